import assert from 'node:assert/strict';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { PRIVATE_ACCESS } from '../../../core/base/system/store-files.ts';
import { DEFAULT_EDGES } from '../../../core/block/edge-settings.ts';
import { AbsentStore } from '../../../core/datadir/absent-store.ts';
import { Filecache } from '../../../core/datadir/filecache/filecache.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { makeScratch } from '../../support/scratch.ts';

test('a Store that could not be made is made by a later add', async () => {
  let tries = 0;
  const make = async () => {
    if (++tries === 1) throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' });
    return await Promise.resolve(new MemoryStore());
  };
  await using store = new AbsentStore('/absent', 'sha3-256', DEFAULT_EDGES, { make, access: PRIVATE_ACCESS });
  // Both wait for the same try.
  const [first, second] = await Promise.allSettled([store.add(Buffer.from('a')), store.add(Buffer.from('b'))]);
  assert.deepEqual([first.status, second.status, tries], ['rejected', 'rejected', 1]);
  const { hashcode } = await store.add(Buffer.from('a'));
  assert.deepEqual(Buffer.from((await store.get(hashcode)) ?? []), Buffer.from('a'));
  assert.equal(tries, 2);
});

test('a file cache whose folder could not be read is read by a later request', async (t) => {
  const folder = makeScratch(t).path('cache');
  const options = { folder, name: 'cache', hashName: 'sha3-256', maxBytes: 100_000, files: 4, readOnly: false } as const;
  const { hashcode } = await (async () => {
    await using cache = new Filecache(options);
    const added = await cache.add(Buffer.from('kept in the cache'));
    await cache.flush();
    return added;
  })();
  await using cache = new Filecache(options);
  const aside = `${folder}.aside`;
  renameSync(folder, aside);
  writeFileSync(folder, '');
  await assert.rejects(cache.has([hashcode]), { code: 'EFAILED' });
  rmSync(folder);
  renameSync(aside, folder);
  assert.deepEqual(await cache.has([hashcode]), [true]);
});
