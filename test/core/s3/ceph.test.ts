import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { Retention } from '../../../core/s3/retention.ts';
import { S3Client } from '../../../core/s3/s3-client.ts';
import { storeSuite } from '../../conformance/store-suite.ts';
import { recited, vtftp } from '../../support/program.ts';
import { PROJECT_ROOT } from '../../support/project.ts';
import { Ceph, noCeph } from '../../support/s3/ceph.ts';
import { keysIn, S3Machine } from '../../support/s3/s3-stores.ts';
import { makeScratch } from '../../support/scratch.ts';

const reason = noCeph();

describe('a real S3 service, Ceph', { skip: reason ?? false }, () => {
  let ceph: Ceph;
  let machine: S3Machine;
  let prefix = '';
  before(async () => {
    ceph = await Ceph.start();
    machine = new S3Machine(ceph.service);
    const client = new S3Client({
      name: 's3://tests',
      address: { bucket: 'tests', prefix: '' },
      endpoint: () => ({ base: new URL(`${ceph.service.endpoint}/`), style: 'path' }),
      region: 'us-east-1',
      keys: async () => await Promise.resolve(ceph.service),
    });
    await client.put('', Buffer.alloc(0));
    client.close();
  });
  after(async () => {
    machine?.remove();
    await ceph?.[Symbol.asyncDispose]();
  });

  for (const layout of ['packs', 'blocks'])
    storeSuite({
      name: `s3: on Ceph, layout ${layout}`,
      async open() {
        prefix = randomUUID();
        return await machine.open(prefix, {}, `&layout=${layout}`);
      },
      reopen: async () => await machine.open(prefix),
      reopenReadOnly: async () => await machine.open(prefix, { readOnly: true }),
    });

  it('a tree is put, pulled elsewhere and got again, and is the same', async (t) => {
    const scratch = makeScratch(t);
    const env = { ...scratch.env, ...keysIn(ceph.service) };
    const store = machine.specification("it's/a=b/ü");
    const session = async (where: string, line: string): Promise<string> => {
      const done = await vtftp(['-S', where, '-c', line], { env, cwd: scratch.folder });
      assert.equal(done.status, 0, done.report);
      return recited(done);
    };
    const dirref = await session(store, `put ${PROJECT_ROOT}/man; quit`);
    assert.equal(await session('./local', `pull -p "${store}"; quit`), dirref);
    await session('./local', 'mkdir more; quit');
    assert.equal(await session('./local', `push -p "${store}"; quit`), await session(store, 'quit'));
  });

  it('objects of a Store with retain cannot be removed, and gc renews that', async () => {
    await ceph.ask('PUT', '/locked', { 'x-amz-bucket-object-lock-enabled': 'true' });
    const client = new S3Client({
      name: 's3://locked',
      address: { bucket: 'locked', prefix: '' },
      endpoint: () => ({ base: new URL(`${ceph.service.endpoint}/`), style: 'path' }),
      region: 'us-east-1',
      keys: async () => await Promise.resolve(ceph.service),
      retention: new Retention(1),
    });
    await client.put('packs/one', Buffer.from('one'));
    await client.put('sessions/one', Buffer.from('one'));
    await client.retain('packs/one');
    await client.retain('packs/none');
    const text = await ceph.ask('GET', '/locked/packs/one?retention=');
    assert.match(text, /<Mode>GOVERNANCE<\/Mode>/);
    assert.ok(Date.parse(/<RetainUntilDate>([^<]*)</.exec(text)?.[1] ?? '') > Date.now() + 20 * 3_600_000, text);
    assert.doesNotMatch(await ceph.ask('GET', '/locked/sessions/one?retention='), /<Mode>/);
    client.close();
  });

  it('a key that is wrong is told of as such', async (t) => {
    const scratch = makeScratch(t);
    const env = { ...scratch.env, ...keysIn({ ...ceph.service, secretAccessKey: 'wrong' }) };
    const done = await vtftp(['-S', machine.specification('x'), '-c', 'ls'], { env });
    assert.match(done.stderr, /SignatureDoesNotMatch.*check the keys/);
    assert.notEqual(done.status, 0);
  });
});
