import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ArchiveEntry } from '../../../core/archive/archive.ts';
import { EMPTY_ROOT } from '../../../core/dirent/empty-root.ts';
import { NewestState } from '../../../core/http/newest-state.ts';

test('many who ask at a time share reads, and nobody gets a state from before the question', async () => {
  let recorded = 0;
  let reads = 0;
  const newest = new NewestState(async (): Promise<ArchiveEntry> => {
    reads++;
    const number = recorded;
    await new Promise(setImmediate);
    return { number, whenNs: 0n, dirent: EMPTY_ROOT };
  });
  const asked: Promise<void>[] = [];
  for (let round = 0; round < 50; round++) {
    for (let i = 0; i < 20; i++) {
      const before = recorded;
      asked.push(newest.get().then((entry) => assert.ok((entry?.number ?? -1) >= before)));
    }
    recorded++;
    if (round % 3 === 0) await new Promise(setImmediate);
  }
  await Promise.all(asked);
  assert.ok(reads <= 100, String(reads));
});

test('after a read that failed the next one is made anew', async () => {
  let reads = 0;
  const newest = new NewestState(async () => {
    reads++;
    return reads === 1 ? await Promise.reject(new Error('broken')) : undefined;
  });
  const [first, second] = await Promise.allSettled([newest.get(), newest.get()]);
  assert.equal(first.status, 'rejected');
  assert.equal(second.status, 'rejected');
  assert.equal(await newest.get(), undefined);
  assert.equal(reads, 2);
});
