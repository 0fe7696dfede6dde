import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { Block } from '../../../../core/block/block.ts';
import type { BlockSource } from '../../../../core/block/block-source.ts';
import { Ingest } from '../../../../core/blockify/ingest/ingest.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';
import { ReadThrough } from '../../../../fuse/live/read/read-through.ts';

const SIZE = 3_000_000;
const never = new AbortController().signal;

/** A content, and a Store that gives its Blocks only once it is let. */
async function slowContent(): Promise<{ readonly content: Buffer; readonly block: Block; readonly source: BlockSource; go(): void }> {
  const store = new MemoryStore();
  const content = randomBytes(SIZE);
  await using ingest = new Ingest(store);
  const block = await ingest.bytes(content);
  await ingest.flushPending();
  let go = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const source: BlockSource = {
    name: 'slow',
    get: async (hashcode, options) => {
      await gate;
      options?.signal?.throwIfAborted();
      return await store.get(hashcode, options);
    },
  };
  return { content, block, source, go };
}

test('a handle that is closed while somebody reads through it gives what was asked for', async () => {
  const { content, block, source, go } = await slowContent();
  const through = new ReadThrough(source, block);
  const first = through.read(0, 200_000, never);
  const second = through.read(200_000, 400_000, never);
  await new Promise(setImmediate);
  through.close();
  go();
  assert.ok(Buffer.concat(await first).equals(content.subarray(0, 200_000)));
  assert.ok(Buffer.concat(await second).equals(content.subarray(200_000, 400_000)));
});

test('a reader that gives up breaks off the walk, and the next one begins anew', async () => {
  const { content, block, source, go } = await slowContent();
  const through = new ReadThrough(source, block);
  const controller = new AbortController();
  const first = through.read(0, 200_000, controller.signal);
  const second = through.read(1000, 200_000, never);
  await new Promise(setImmediate);
  controller.abort();
  go();
  await assert.rejects(first);
  assert.ok(Buffer.concat(await second).equals(content.subarray(1000, 200_000)));
  through.close();
});
