import assert from 'node:assert/strict';
import { it } from 'node:test';
import { hashByName } from '../../../core/block/hash.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { capability } from '../../../core/store/capability.ts';
import { makeRandom } from '../../support/random.ts';
import { newStorePath } from './store-folder.ts';

it('Blocks asked for in another order than they lie in come in large batches all the same', async () => {
  const store = await openDatadir(newStorePath({ inMemory: true }), { create: true });
  const random = makeRandom(11);
  const blocks = Array.from({ length: 2000 }, () => random.bytes(500));
  const hash = hashByName(store.hashName);
  const digested = blocks.map((data) => ({ digest: hash.digest(data), data }));
  await store.addBatch(digested);
  await store.flush();
  // All of one size: from where each 32nd lies those between them seem to lie elsewhere than they do.
  const asked = digested.map((block, i) => digested[i % 32 === 0 ? i : i + 32 - 2 * (i % 32)] ?? block);
  const missing = { digest: hash.digest(Buffer.from('nowhere')), data: Buffer.alloc(500) };
  asked.push(missing);
  const digests = Buffer.concat(asked.map((block) => block?.digest ?? Buffer.alloc(0)));
  const found: string[] = [];
  let batches = 0;
  for await (const batch of capability(store, 'recordSource')?.records(digests, new Array<number>(asked.length).fill(500)) ?? []) {
    batches++;
    for (let i = 0; i < batch.count; i++) found.push(Buffer.from(batch.digests.subarray(i * 32, (i + 1) * 32)).toString('hex'));
    batch.release?.();
  }
  assert.deepEqual(
    found,
    asked.filter((block) => block !== missing).map((block) => Buffer.from(block?.digest ?? []).toString('hex')),
  );
  assert.ok(batches <= 20, `${batches} batches`);
  await store[Symbol.asyncDispose]();
});
