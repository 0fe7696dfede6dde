import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { digestKey } from '../../../core/block/digest-key.ts';
import { hashByName } from '../../../core/block/hash.ts';
import { capability } from '../../../core/store/capability.ts';
import { checkRecords } from '../../../core/store/records/check-records.ts';
import { unpackRecords } from '../../../core/store/records/record-batch.ts';
import type { Store } from '../../../core/store/store.ts';
import { makeRandom } from '../../support/random.ts';
import { FakeS3 } from '../../support/s3/fake-s3.ts';
import { FAKE_KEYS, S3Machine } from '../../support/s3/s3-stores.ts';
import { shuffled } from '../../support/shuffled.ts';

const hash = hashByName('sha3-256');
const random = makeRandom(7);
/** Some 14 MiB: several windows, of several ranges. */
const blocks = Array.from({ length: 3500 }, () => {
  const data = random.bytes(1 + random.below(8192));
  return { data, digest: hash.digest(data) };
});
const contentOf = new Map(blocks.map(({ data, digest }) => [digestKey(digest), data]));

let fake: FakeS3;
let machine: S3Machine;
before(async () => {
  fake = await FakeS3.start();
  machine = new S3Machine({ endpoint: fake.endpoint, ...FAKE_KEYS });
});
after(async () => {
  machine.remove();
  await fake[Symbol.asyncDispose]();
});

/** The digests that a Store gives records of, whose Blocks are what they should be. Memory of each batch is given back at once. */
async function given(store: Store, digests: readonly Uint8Array[]): Promise<string[]> {
  const found: string[] = [];
  const spans = digests.map((digest) => contentOf.get(digestKey(digest))?.length ?? 8192);
  for await (const batch of capability(store, 'recordSource')?.records(Buffer.concat(digests), spans) ?? []) {
    checkRecords(batch, hash, 'test');
    for (const { digest, data } of unpackRecords(batch, hash.digestSize)) {
      assert.deepEqual(Buffer.from(data), contentOf.get(digestKey(digest)));
      found.push(digestKey(digest));
    }
    batch.release?.();
  }
  return found;
}

const gets = (): number => fake.counts['GET'] ?? 0;

it('records come in the order asked for: one after the other, scattered, twice, and without those that are not there', async () => {
  const digests = blocks.map(({ digest }) => digest);
  const keys = digests.map(digestKey);
  {
    await using store = await machine.open('order');
    await store.addBatch(blocks.slice(0, 2500));
    await store.flush();
    // Those that wait are given, too.
    await store.addBatch(blocks.slice(2500));
    assert.deepEqual(await given(store, digests), keys);
  }
  await using store = await machine.open('order');
  await store.has([]);
  const before = gets();
  assert.deepEqual(await given(store, digests), keys);
  assert.ok(gets() - before <= 12, `${gets() - before} requests`);
  const twice = shuffled([...digests, ...digests.slice(0, 500)], makeRandom(8));
  assert.deepEqual(await given(store, twice), twice.map(digestKey));
  const some = digests.filter((_, i) => i % 7 === 0);
  const absent = some.flatMap((digest) => [digest, hash.digest(digest)]);
  assert.deepEqual(await given(store, absent), some.map(digestKey));
});

it('a Block whose bytes read like a refusal of the service is a Block', async () => {
  const data = Buffer.from('<Error><Code>SlowDown</Code><Message>QuotaExceeded</Message></Error>');
  const hashcode = { hashName: hash.name, digest: hash.digest(data) };
  {
    await using store = await machine.open('refusal', {}, '&layout=blocks');
    await store.add(data);
  }
  await using store = await machine.open('refusal', {}, '&layout=blocks');
  assert.deepEqual(Buffer.from((await store.get(hashcode)) ?? []), data);
});
