import assert from 'node:assert/strict';
import { it } from 'node:test';
import { VtError } from '../../../core/base/errors.ts';
import { CONTENT_HASH_NAMES } from '../../../core/block/hash.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { storeSuite } from '../../conformance/store-suite.ts';

for (const hashName of CONTENT_HASH_NAMES) {
  storeSuite({ name: `memory: with ${hashName}`, open: () => Promise.resolve(new MemoryStore({ hashName })) });
}

it('a memory Store that is full refuses an add and keeps what it has', async () => {
  const store = new MemoryStore({ maxBytes: 100 });
  const { hashcode } = await store.add(Buffer.alloc(90, 1));
  await assert.rejects(store.add(Buffer.alloc(20, 2)), (error) => error instanceof VtError && error.code === 'EFAILED');
  assert.equal((await store.get(hashcode))?.length, 90);
  assert.equal((await store.add(Buffer.alloc(10, 3))).isNew, true);
});
