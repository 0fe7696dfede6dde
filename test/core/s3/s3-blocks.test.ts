import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, it } from 'node:test';
import { LostAddsError, VtError } from '../../../core/base/errors.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import { gcBucket } from '../../../core/s3/bucket-gc.ts';
import type { S3Store } from '../../../core/s3/s3-store.ts';
import { FakeS3 } from '../../support/s3/fake-s3.ts';
import { FAKE_KEYS, S3Machine } from '../../support/s3/s3-stores.ts';

const DAY_MS = 86_400_000;
let fake: FakeS3;
const machines: S3Machine[] = [];
before(async () => {
  fake = await FakeS3.start({ conditions: 'refused' });
});
after(async () => {
  for (const machine of machines) machine.remove();
  await fake[Symbol.asyncDispose]();
});

async function opened(prefix: string): Promise<S3Store> {
  const machine = new S3Machine({ endpoint: fake.endpoint, ...FAKE_KEYS });
  machines.push(machine);
  return await machine.open(prefix, {}, '&layout=blocks');
}

const collect = async (store: S3Store): Promise<number> =>
  (await gcBucket(store, { graceMs: DAY_MS, plan: false, rootless: true })).removedObjects;

const content = (number: number): Buffer => Buffer.from(`content ${number} `.repeat(20 + number));

/** Adds Blocks whose objects are there, and of which nobody is told yet. */
async function put(store: S3Store, numbers: readonly number[]): Promise<void> {
  for (const number of numbers) await store.add(content(number));
  const { bucket } = await store.internals();
  await bucket.layout.uploads.drain();
}

it('a Block is an object with its hash for a name, which caches may keep for ever and no browser runs', async () => {
  await using store = await opened('names');
  await put(store, [1, 2, 3]);
  const keys = [1, 2, 3].map((number) => `names/blocks/${createHash('sha3-256').update(content(number)).digest('hex')}.sha3-256`);
  assert.deepEqual(fake.keys('names/blocks/'), keys.sort());
  const [key = ''] = keys;
  const { status, headers } = await fetch(`${fake.endpoint}/tests/${key}`);
  assert.equal(status, 200);
  assert.match(headers.get('cache-control') ?? '', /immutable/);
  assert.equal(headers.get('content-type'), 'application/octet-stream');
});

it('the layout of a Store is fixed, and single Blocks are not compressed', async () => {
  await using _ = await opened('fixed');
  const machine = new S3Machine({ endpoint: fake.endpoint, ...FAKE_KEYS });
  machines.push(machine);
  const isRefused = (error: unknown): boolean => error instanceof VtError && error.code === 'EOPEN' && /layout/.test(error.message);
  await assert.rejects(machine.open('fixed', {}, '&layout=packs'), isRefused);
  await assert.rejects(machine.open('other', {}, '&layout=blocks&compression=zlib'), isRefused);
});

it('what a session left that died is removed by two gcs, but for what another has stored again', async () => {
  await put(await opened('strays'), [1, 2, 3, 4]);
  fake.aheadMs += DAY_MS + 1000;
  await using collector = await opened('strays');
  assert.equal(await collect(collector), 0);
  {
    await using writer = await opened('strays');
    assert.deepEqual(await writer.has([hashcodeOf(writer.hashName, content(1))]), [false]);
    assert.equal((await writer.add(content(1))).isNew, true);
  }
  assert.equal(fake.keys('strays/blocks/').length, 4);
  fake.aheadMs += DAY_MS + 1000;
  assert.equal(await collect(collector), 3);
  await using reader = await opened('strays');
  assert.deepEqual(Buffer.from((await reader.get(hashcodeOf(reader.hashName, content(1)))) ?? []), content(1));
});

it('a Block that gc removes while a session stores it again is told of, and stored when it is added once more', async () => {
  {
    await using store = await opened('race');
    await put(store, [1, 2]);
  }
  fake.aheadMs += DAY_MS + 1000;
  await using collector = await opened('race');
  await collect(collector);
  fake.aheadMs += DAY_MS + 1000;
  await using writer = await opened('race');
  await put(writer, [1]);
  assert.equal(await collect(collector), 2);
  await assert.rejects(writer.flush(), LostAddsError);
  assert.equal((await writer.add(content(1))).isNew, true);
  await writer.flush();
  await using reader = await opened('race');
  assert.deepEqual(Buffer.from((await reader.get(hashcodeOf(reader.hashName, content(1)))) ?? []), content(1));
});

it('thousands of Blocks are listed in parts, in the order of their names', async () => {
  const store = await opened('many');
  const numbers = Array.from({ length: 1200 }, (_, i) => i);
  await store.addBatch(
    numbers.map((number) => ({ digest: hashcodeOf(store.hashName, Buffer.from(`${number}`)).digest, data: Buffer.from(`${number}`) })),
  );
  await store.flush();
  const { bucket } = await store.internals();
  const survey = await bucket.layout.survey({});
  assert.deepEqual(survey.strays, []);
  for (const [digest, location] of bucket.local.entries()) assert.ok(survey.has(digest, location));
  const [gone = ''] = fake.keys('many/blocks/7');
  fake.objects.delete(gone);
  const later = await bucket.layout.survey({});
  const missing = [...bucket.local.entries()].filter(([digest, location]) => !later.has(digest, location));
  assert.deepEqual(
    missing.map(([digest]) => `many/blocks/${Buffer.from(digest).toString('hex')}.sha3-256`),
    [gone],
  );
  await store[Symbol.asyncDispose]();
});
