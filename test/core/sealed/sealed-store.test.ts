import { randomUUID } from 'node:crypto';
import { after, before } from 'node:test';
import { storeSuite } from '../../conformance/store-suite.ts';
import { FakeS3 } from '../../support/s3/fake-s3.ts';
import { FAKE_KEYS, keysIn } from '../../support/s3/s3-stores.ts';
import { SealedPlace } from '../../support/sealed/sealed-stores.ts';

let place: SealedPlace;
let fake: FakeS3;
let name = '';

before(async () => {
  place = new SealedPlace();
  fake = await FakeS3.start();
});
after(async () => {
  place.remove();
  await fake[Symbol.asyncDispose]();
});

storeSuite({
  name: 'sealed: in a datadir',
  async open() {
    name = randomUUID();
    return await place.open(`datadir:${place.path(name)}`);
  },
  reopen: async () => await place.open(`datadir:${place.path(name)}`),
  reopenReadOnly: async () => await place.open(`datadir:${place.path(name)}`, { readOnly: true }),
});

storeSuite({ name: 'sealed: in memory', open: async () => await place.open('memory:') });

const bucket = (): string => `s3://tests/${name}?endpoint=${fake.endpoint}`;
const environment = keysIn(FAKE_KEYS);

storeSuite({
  name: 'sealed: in a bucket',
  async open() {
    name = randomUUID();
    return await place.open(bucket(), { environment });
  },
  reopen: async () => await place.open(bucket(), { environment }),
  reopenReadOnly: async () => await place.open(bucket(), { environment, readOnly: true }),
});
