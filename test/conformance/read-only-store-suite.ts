import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ClosedError, ReadOnlyError, VtError } from '../../core/base/errors.ts';
import { digestHex, hashcodeOf } from '../../core/block/hashcode.ts';
import { addCounts, canWrite, capability } from '../../core/store/capability.ts';
import type { Store } from '../../core/store/store.ts';

/** A Store under test that takes no Blocks: it is opened over Blocks that are there. */
export interface ReadOnlyStoreSubject {
  readonly name: string;
  /** A Store that holds these Blocks; it may hold others. */
  readonly open: (blocks: readonly Uint8Array[]) => Promise<Store>;
  /** Whether it can list its Blocks; default yes. */
  readonly lists?: boolean;
}

const BLOCKS = Array.from({ length: 200 }, (_, i) => Buffer.from(`block ${i} `.repeat(10 + (i % 300))));

/** The contract of every Store that only gives Blocks. A new one's test is a call of this. */
export function readOnlyStoreSuite({ name, open, lists = true }: ReadOnlyStoreSubject): void {
  const test = (title: string, body: (store: Store) => Promise<void>): void => {
    it(`${name}: ${title}`, async () => {
      await using store = await open(BLOCKS);
      await body(store);
    });
  };

  describe(`${name} keeps the contract of a Store`, () => {
    test('every Block comes back', async (store) => {
      for (const data of BLOCKS) assert.deepEqual(Buffer.from((await store.get(hashcodeOf(store.hashName, data))) ?? []), data);
    });

    test('has answers for each hashcode in its place', async (store) => {
      const there = hashcodeOf(store.hashName, BLOCKS[7] ?? Buffer.alloc(0));
      const not = hashcodeOf(store.hashName, Buffer.from('not there'));
      assert.deepEqual(await store.has([not, there, not, there]), [false, true, false, true]);
      assert.deepEqual(await store.has([]), []);
      assert.equal(await store.get(not), undefined);
    });

    test('it takes nothing, and says so', async (store) => {
      assert.equal(canWrite(store), false);
      await assert.rejects(store.add(Buffer.from('new')), ReadOnlyError);
      await assert.rejects(store.addBatch([]), ReadOnlyError);
      await store.flush();
      assert.equal(addCounts(store).newBlocks, 0);
    });

    test('it lists every Block in the order of the digests, or says that it cannot', async (store) => {
      const enumeration = capability(store, 'enumeration');
      if (!lists) {
        assert.equal(enumeration, undefined);
        return;
      }
      assert.ok(enumeration !== undefined);
      const listed: string[] = [];
      for await (const { digest } of enumeration.hashcodes()) listed.push(digestHex(digest));
      assert.deepEqual(listed, [...listed].sort());
      assert.equal(new Set(listed).size, listed.length);
      const all = new Set(listed);
      for (const data of BLOCKS) assert.ok(all.has(digestHex(hashcodeOf(store.hashName, data).digest)));
    });

    test('a signal that has fired cancels every operation', async (store) => {
      const signal = AbortSignal.abort();
      const isCancelled = (error: unknown): boolean => error instanceof VtError && error.code === 'ECANCELLED';
      const hashcode = hashcodeOf(store.hashName, BLOCKS[0] ?? Buffer.alloc(0));
      await assert.rejects(store.get(hashcode, { signal }), isCancelled);
      await assert.rejects(store.has([hashcode], { signal }), isCancelled);
      await assert.rejects(store.flush({ signal }), isCancelled);
    });

    test('after close every operation is refused, and closing again is harmless', async (store) => {
      const hashcode = hashcodeOf(store.hashName, BLOCKS[0] ?? Buffer.alloc(0));
      await store[Symbol.asyncDispose]();
      await assert.rejects(store.get(hashcode), ClosedError);
      await assert.rejects(store.has([hashcode]), ClosedError);
      await assert.rejects(store.flush(), ClosedError);
      await assert.rejects(store.add(Buffer.from('x')), VtError);
      await store[Symbol.asyncDispose]();
    });
  });
}
