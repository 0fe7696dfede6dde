import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Block } from '../../../core/block/block.ts';
import { leafBlock, PendingBlocks } from '../../../core/block/block-sink.ts';
import type { BlockSource } from '../../../core/block/block-source.ts';
import { commonRuns } from '../../../core/block/common-runs.ts';
import { differingRuns } from '../../../core/block/differing-runs.ts';
import { digestHex } from '../../../core/block/hashcode.ts';
import { readBlockBytes } from '../../../core/block/read-range.ts';
import { BlockTreeBuilder } from '../../../core/block/tree-builder.ts';
import { blockTreeStats } from '../../../core/block/tree-stats.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { makeRandom } from '../../support/random.ts';

async function treeOf(store: MemoryStore, leaves: readonly string[]): Promise<Block> {
  const pending = new PendingBlocks(store.hashName);
  const builder = new BlockTreeBuilder(pending);
  for (const leaf of leaves) builder.add(leafBlock(pending, Buffer.from(leaf)));
  const block = builder.finish();
  await pending.flushTo(store);
  return block;
}

function counting(store: MemoryStore): BlockSource & { reads: number } {
  const source = {
    name: store.name,
    reads: 0,
    get: async (...of: Parameters<MemoryStore['get']>) => {
      source.reads++;
      return await store.get(...of);
    },
  };
  return source;
}

async function superblocksOf(store: MemoryStore, block: Block): Promise<Set<string>> {
  const found = new Set<string>();
  await blockTreeStats(store, block, {
    visit: ({ block: hashed, isSuperblock }) => {
      if (isSuperblock) found.add(digestHex(hashed.hashcode.digest));
    },
  });
  return found;
}

describe('what two lists have in common', () => {
  it('is in the order of both, and of equal items', () => {
    for (let seed = 0; seed < 500; seed++) {
      const random = makeRandom(seed);
      const list = (): string[] => Array.from({ length: random.below(30) }, () => String(random.below(8)));
      const [before, after] = [list(), list()];
      let at = { before: 0, after: 0 };
      for (const run of commonRuns(before, after)) {
        assert.ok(run.length > 0 && run.before >= at.before && run.after >= at.after, `seed ${seed}`);
        for (let i = 0; i < run.length; i++) assert.equal(before[run.before + i], after[run.after + i], `seed ${seed}`);
        at = { before: run.before + run.length, after: run.after + run.length };
      }
    }
  });

  it('is all but what was taken out and put in, where items are unique', () => {
    const before = Array.from({ length: 1000 }, (_, i) => `item ${i}`);
    const after = [...before.slice(0, 300), 'new', ...before.slice(310)];
    const total = commonRuns(before, after).reduce((sum, { length }) => sum + length, 0);
    assert.equal(total, 990);
  });
});

describe('where two Block trees differ', () => {
  it('gives all that turns one content into the other, and reads only superblocks that one has alone', async () => {
    for (let seed = 0; seed < 25; seed++) {
      const random = makeRandom(seed);
      const store = new MemoryStore();
      const before = Array.from(
        { length: random.below(2000) },
        (_, i) => `leaf ${i} of ${random.below(900)}, not so short as to be literal;`,
      );
      const after = [...before];
      for (let edits = random.below(5); edits > 0; edits--)
        after.splice(
          random.below(after.length + 1),
          random.below(4),
          ...Array.from({ length: random.below(4) }, (_, i) => `new leaf ${edits} ${i}, longer than thirty-two octets;`),
        );
      const [a, b] = [await treeOf(store, before), await treeOf(store, after)];
      const source = counting(store);
      const old = before.join('');
      let made = '';
      let at = 0;
      for await (const run of differingRuns({ before: source, after: source }, a, b)) {
        assert.equal(run.before[0]?.start ?? run.start.before, run.start.before, `seed ${seed}`);
        made += old.slice(at, run.start.before);
        assert.equal(run.start.after, made.length, `seed ${seed}`);
        for (const { block } of run.after) made += Buffer.from(await readBlockBytes(store, block)).toString();
        at = run.start.before + run.before.reduce((sum, { block }) => sum + block.span, 0);
      }
      assert.equal(made + old.slice(at), after.join(''), `seed ${seed}`);
      const [mine, theirs] = [await superblocksOf(store, a), await superblocksOf(store, b)];
      const alone = [...mine, ...theirs].filter((digest) => !(mine.has(digest) && theirs.has(digest)));
      // The heights are told by one superblock of each level, which both may have.
      assert.ok(source.reads <= 2 * alone.length + 8, `seed ${seed}: ${source.reads} read, ${alone.length} differ`);
    }
  });
});
