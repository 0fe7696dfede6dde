import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashByName } from '../../../core/block/hash.ts';
import type { HttpFile } from '../../../core/http/client/http-file.ts';
import { HttpOneFile } from '../../../core/http/client/http-one-file.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { readTrailer } from '../../../core/store/records/trailer.ts';
import { oneFileOf, oneFileTree } from '../../support/stores/one-file.ts';

test('a file of ar whose Dirs or index could not be fetched once is asked again', async () => {
  const source = new MemoryStore();
  const data = await oneFileOf(source, await oneFileTree(source, 1), false);
  const trailer = readTrailer((offset, size) => data.subarray(offset, offset + size), data.length, 32);
  assert.ok(trailer !== undefined);
  let failures = 0;
  const file = {
    name: 'file',
    size: data.length,
    read: async (offset: number, size: number) => {
      if (failures > 0) {
        failures--;
        throw new Error('the server is busy');
      }
      return await Promise.resolve(data.subarray(offset, Math.min(data.length, offset + size)));
    },
    close: () => undefined,
  };
  await using store = await HttpOneFile.open(file as unknown as HttpFile);
  const { hashName } = store;
  for (const [digest] of trailer.index.entries()) {
    // Which of the two is asked for depends on the Block; each fails once.
    failures = 1;
    await assert.rejects(store.get({ hashName, digest }));
    failures = 0;
    const found = await store.get({ hashName, digest });
    assert.ok(found !== undefined && Buffer.compare(hashByName(hashName).digest(found), digest) === 0);
  }
});
