import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ArchiveEntry } from '../../../core/archive/archive.ts';
import { openArchiveFile } from '../../../core/archive/archive-file.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { EMPTY_BLOCK } from '../../../core/block/block.ts';
import { PendingBlocks } from '../../../core/block/block-sink.ts';
import { storeDir } from '../../../core/dirent/dir-codec.ts';
import { formatDirent } from '../../../core/dirent/dirent-text.ts';
import { EMPTY_ROOT } from '../../../core/dirent/empty-root.ts';
import { UsableArchive } from '../../../core/history/usable-archive.ts';
import { NewestState } from '../../../core/http/newest-state.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { makeScratch } from '../../support/scratch.ts';

test('many who ask at a time share reads, and nobody gets a state from before the question', async () => {
  let recorded = 0;
  let reads = 0;
  const newest = new NewestState({
    last: async (): Promise<ArchiveEntry> => {
      reads++;
      const number = recorded;
      await new Promise(setImmediate);
      return { number, whenNs: 0n, dirent: EMPTY_ROOT };
    },
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
  const newest = new NewestState({
    last: async () => {
      reads++;
      return reads === 1 ? await Promise.reject(new Error('broken')) : undefined;
    },
  });
  const [first, second] = await Promise.allSettled([newest.get(), newest.get()]);
  assert.equal(first.status, 'rejected');
  assert.equal(second.status, 'rejected');
  assert.equal(await newest.get(), undefined);
  assert.equal(reads, 2);
});

test('an archive that tells that it is as it was is not read again, and a state that is passed over never stays', async (t) => {
  const path = makeScratch(t).path('a.vt');
  const file = openArchiveFile(path);
  const entered = new MemoryStore();
  let reads = 0;
  const usable = new UsableArchive(file, entered, { onNotice: () => undefined, isReadable: async () => await Promise.resolve(true) });
  const newest = new NewestState({
    last: async () => {
      reads++;
      return await usable.last();
    },
    stamp: () => usable.stamp(),
  });
  assert.equal(await newest.get(), undefined);
  await file.append(async () => await Promise.resolve({ whenNs: 1n, dirent: EMPTY_ROOT }));
  for (let i = 0; i < 5; i++) assert.equal((await newest.get())?.whenNs, 1n);
  assert.equal(reads, 2);
  const pending = new PendingBlocks(entered.hashName);
  const block = storeDir(
    pending,
    Array.from({ length: 100 }, (_, i) => ({ kind: 'file', name: `${1000 + i}` as Octets, meta: {}, block: EMPTY_BLOCK })),
  );
  const dirent = { ...EMPTY_ROOT, block };
  await file.append(async () => await Promise.resolve({ whenNs: 2n, dirent }));
  assert.equal((await newest.get())?.whenNs, 1n);
  await pending.flushTo(entered);
  assert.equal((await newest.get())?.whenNs, 2n);
  assert.ok(!newest.isKnown(formatDirent(EMPTY_ROOT)));
  assert.equal((await newest.get())?.whenNs, 2n);
  assert.ok(newest.isKnown(formatDirent(dirent)));
});
