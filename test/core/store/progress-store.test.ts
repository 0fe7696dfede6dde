import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MemoryStore } from '../../../core/store/memory.ts';
import { ProgressStore } from '../../../core/store/progress-store.ts';
import { storeSuite } from '../../conformance/store-suite.ts';
import { FaultStore } from '../../support/stores/fault-store.ts';

storeSuite({ name: 'progress: of memory', open: () => Promise.resolve(new ProgressStore(new MemoryStore())) });

it('it counts what is added and what is got, and what is under way', async () => {
  const below = new FaultStore(new MemoryStore(), [{ on: 'get', kind: 'hang', from: 2 }]);
  const store = new ProgressStore(below);
  const { hashcode } = await store.add(Buffer.alloc(100, 1));
  await store.add(Buffer.alloc(100, 1));
  await store.get(hashcode);
  await store.get({ hashName: 'sha1', digest: hashcode.digest }, { signal: AbortSignal.abort() }).catch(() => undefined);
  const aborter = new AbortController();
  const hanging = store.get(hashcode, { signal: aborter.signal });
  assert.deepEqual(store.progress(), { addBytes: 200, addCount: 2, getBytes: 100, getCount: 1, outstanding: 1 });
  aborter.abort();
  await assert.rejects(hanging);
  assert.equal(store.progress().outstanding, 0);
});
