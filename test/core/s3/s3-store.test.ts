import { randomUUID } from 'node:crypto';
import { after, before } from 'node:test';
import { storeSuite } from '../../conformance/store-suite.ts';
import type { Faults } from '../../support/s3/fake-s3.ts';
import { FakeS3 } from '../../support/s3/fake-s3.ts';
import { FAKE_KEYS, S3Machine } from '../../support/s3/s3-stores.ts';

const VENDORS: readonly { readonly name: string; readonly faults: () => Faults; readonly more?: string }[] = [
  { name: 'as it should be', faults: () => ({}), more: '&compression=zlib' },
  {
    name: 'that ignores conditions, knows no ranges, is busy and cuts connections',
    faults: () => ({ conditions: 'ignored', busy: 2, cuts: 2, noRanges: true }),
    more: '&hash=blake3',
  },
  {
    name: 'that refuses conditions, with an object a Block',
    faults: () => ({ conditions: 'refused', busy: 1, cuts: 1 }),
    more: '&layout=blocks',
  },
];

for (const { name, faults, more } of VENDORS) {
  let fake: FakeS3;
  let machine: S3Machine;
  let prefix = '';
  before(async () => {
    fake = await FakeS3.start();
    machine = new S3Machine({ endpoint: fake.endpoint, ...FAKE_KEYS });
  });
  after(async () => {
    machine.remove();
    await fake[Symbol.asyncDispose]();
  });
  storeSuite({
    name: `s3: on a service ${name}`,
    async open() {
      prefix = randomUUID();
      Object.assign(fake.faults, faults());
      return await machine.open(prefix, {}, more);
    },
    reopen: async () => await machine.open(prefix),
    reopenReadOnly: async () => await machine.open(prefix, { readOnly: true }),
  });
}
