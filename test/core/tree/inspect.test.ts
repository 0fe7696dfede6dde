import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { ArchiveEntry } from '../../../core/archive/archive.ts';
import type { Octets } from '../../../core/base/octets.ts';
import type { Block } from '../../../core/block/block.ts';
import { leafBlock, PendingBlocks } from '../../../core/block/block-sink.ts';
import { BlockTreeBuilder } from '../../../core/block/tree-builder.ts';
import { pathHistory } from '../../../core/history/path-history.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { inspectBlock } from '../../../core/tree/inspect.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../../core/tree/path.ts';

async function storedBlock(store: MemoryStore, leaves: readonly Buffer[], withRun: boolean): Promise<Block> {
  const pending = new PendingBlocks(store.hashName);
  const builder = new BlockTreeBuilder(pending);
  for (const leaf of leaves) builder.add(leafBlock(pending, leaf));
  if (withRun) builder.add({ kind: 'run', octet: 0, span: 1 << 20 });
  const block = builder.finish();
  await pending.flushTo(store);
  return block;
}

test('the share of a Block tree that a Store has, and the share that is unique', async () => {
  const full = new MemoryStore();
  const leaves = Array.from({ length: 100 }, () => randomBytes(1000));
  const repeated = leaves.slice(0, 20);
  const block = await storedBlock(full, [...leaves, ...repeated], true);
  const whole = await inspectBlock(full, full, block);
  assert.equal(whole.stats.leaves, 121);
  assert.equal(whole.stats.runLeaves, 1);
  assert.equal(whole.stats.uniqueLeaves, 100);
  assert.equal(whole.stats.uniqueBytes, 100_000);
  assert.equal(whole.stats.hashedBytes, 120_000);
  assert.deepEqual(whole.stats.histogram, [{ minSize: 512, leaves: 120, bytes: 120_000 }]);
  assert.equal(whole.presentBlocks, whole.neededBlocks);
  assert.equal(whole.presentBytes, 100_000);

  const part = new MemoryStore();
  for (const leaf of leaves.slice(0, 25)) await part.add(leaf);
  const shared = await inspectBlock(full, part, block);
  assert.equal(shared.presentBlocks, 25);
  assert.equal(shared.presentBytes, 25_000);
  assert.equal(shared.neededBlocks, whole.neededBlocks);
});

test('of a part of a Block no more than the part counts as its bytes, and the whole Block as needed', async () => {
  const store = new MemoryStore();
  const block = await storedBlock(store, [randomBytes(20_000)], false);
  const { stats, neededBytes, presentBytes } = await inspectBlock(store, store, { kind: 'sub', span: 150, base: block, offset: 100 });
  assert.deepEqual([stats.hashedBytes, stats.uniqueBytes, neededBytes, presentBytes], [150, 150, 20_000, 20_000]);
});

test('the history of a path has each state once, newest first, and tells when it went away', async () => {
  const store = new MemoryStore();
  await using tree = openLiveTree(store, undefined, { name: 'test' });
  const entries: ArchiveEntry[] = [];
  const record = async (): Promise<void> => {
    entries.push({ number: entries.length + 1, whenNs: BigInt(entries.length), dirent: await tree.sync() });
  };
  const path = '/file' as TreePath;
  const write = (at: string, text: string) =>
    tree.write(
      at as TreePath,
      (async function* () {
        yield Buffer.from(text);
      })(),
      { mode: 0o644, mtimeNs: BigInt(text.length) },
    );
  await write('/other' as Octets, 'x');
  await record();
  await write('/file', 'one');
  await record();
  await write('/other', 'changed');
  await record();
  await write('/file', 'second');
  await record();
  await tree.remove(path);
  await record();
  await write('/file', 'second');
  await record();
  const states: unknown[] = [];
  for await (const { archived, dirent, size, same } of pathHistory(store, entries.toReversed(), path))
    states.push([archived.number, dirent && size, same]);
  assert.deepEqual(states, [
    [6, 6, 0],
    [5, undefined, 0],
    [4, 6, 0],
    [2, 3, 1],
  ]);
});
