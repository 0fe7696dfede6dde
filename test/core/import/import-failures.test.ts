import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import { Ingest } from '../../../core/blockify/ingest/ingest.ts';
import { importLocal } from '../../../core/import/import.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { walkDirent } from '../../../core/tree/walk.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';
import { FaultStore } from '../../support/stores/fault-store.ts';

/** Trees whose last name is visited while what came before is still on its way. */
const TREES: readonly (readonly [name: string, sizes: readonly number[], workers: readonly number[]])[] = [
  ['a large file and a small one after it', [6_000_000, 2], [0, 2]],
  ['four large files', [1_500_000, 1_500_000, 1_500_000, 1_500_000], [0]],
  ['small files', Array.from({ length: 40 }, () => 3000), [0]],
];

for (const [name, sizes, threads] of TREES) {
  for (const workers of threads) {
    test(`${name}, ${workers} workers: whichever write of the Store fails once, the import fails`, async (t) => {
      const folder = makeScratch(t).path('tree') as Octets;
      mkdirSync(folder);
      for (const [i, size] of sizes.entries()) writeFileSync(`${folder}/file ${i}`, makeRandom(i + 1).bytes(size));
      await using whole = new FaultStore(new MemoryStore());
      const { dirent } = await importLocal(whole, folder, { workers });
      const seen: string[] = [];
      for await (const item of walkDirent(whole, dirent)) if (item.kind === 'node' && item.dirent.kind === 'file') seen.push(item.path);
      assert.equal(seen.length, sizes.length);
      assert.ok(whole.calls.add > 1);
      // How writes fall together differs from run to run: the last number is one that no write had.
      for (let call = 1, isReached = true; isReached; call++) {
        await using store = new FaultStore(new MemoryStore(), [{ on: 'add', kind: 'fail', from: call, times: 1 }]);
        const outcome = await importLocal(store, folder, { workers }).then(
          () => 'done',
          (error: unknown) => String(error),
        );
        isReached = store.calls.add >= call;
        if (isReached) assert.match(outcome, /as the test wants it/, `write ${call}`);
        else assert.equal(outcome, 'done');
      }
    });
  }
}

test('two contents that wait for one flush both learn that it failed, and so does all that comes later', async () => {
  await using store = new FaultStore(new MemoryStore(), [{ on: 'add', kind: 'fail', times: 1 }]);
  await using ingest = new Ingest(store, { workers: 0 });
  ingest.pending.put(new Uint8Array(1000).fill(1));
  const flushed = await Promise.allSettled([ingest.flushPending(), ingest.flushPending()]);
  assert.deepEqual(
    flushed.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  await assert.rejects(ingest.flushPending(), /as the test wants it/);
});
