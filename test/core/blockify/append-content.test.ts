import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Block } from '../../../core/block/block.ts';
import { EMPTY_BLOCK } from '../../../core/block/block.ts';
import { formatBlock } from '../../../core/block/block-text.ts';
import type { EdgeSettings } from '../../../core/block/edge-settings.ts';
import { blockTreeStats } from '../../../core/block/tree-stats.ts';
import { appendContent } from '../../../core/blockify/append-content.ts';
import { KERNEL_ID } from '../../../core/blockify/edge-hash.ts';
import type { Parser } from '../../../core/blockify/parser.ts';
import { storeContent } from '../../../core/blockify/store-content.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import type { Store } from '../../../core/store/store.ts';
import { contents, portionsOf } from '../../support/contents/contents.ts';
import { makeRandom } from '../../support/random.ts';

/** Edges so near that a few thousand octets make several levels of superblocks, and those of new Stores. */
const EDGES: readonly EdgeSettings[] = [
  { kernel: KERNEL_ID, minSize: 16, meanSize: 64, maxSize: 256 },
  { kernel: KERNEL_ID, minSize: 128, meanSize: 512, maxSize: 2048 },
  { kernel: KERNEL_ID, minSize: 2048, meanSize: 8192, maxSize: 32_768 },
  { kernel: KERNEL_ID, minSize: 128, meanSize: 256, maxSize: 1024, coarseFrom: 5000 },
];

/** An edge after each newline. */
const LINES: Parser = {
  name: 'lines',
  extensions: [],
  mimeTypes: [],
  delay: 0,
  *edges() {
    let start = 0;
    for (let octets = yield undefined; octets !== undefined; octets = yield undefined) {
      for (let at = octets.indexOf(10); at >= 0; at = octets.indexOf(10, at + 1)) yield start + at + 1;
      start += octets.length;
    }
  },
};

/** A Store that counts what is asked of it. */
function counting(store: MemoryStore): {
  readonly store: Pick<Store, 'hashName' | 'edges' | 'addBatch' | 'get' | 'name'>;
  asked: number;
  bytes: number;
} {
  const counts = {
    asked: 0,
    bytes: 0,
    store: {
      name: store.name,
      hashName: store.hashName,
      edges: store.edges,
      addBatch: store.addBatch.bind(store),
      get: async (...args: Parameters<Store['get']>) => {
        const data = await store.get(...args);
        counts.asked++;
        counts.bytes += data?.length ?? 0;
        return data;
      },
    },
  };
  return counts;
}

async function checkAppends(edges: EdgeSettings, base: Uint8Array, more: readonly Uint8Array[], parser?: Parser): Promise<void> {
  const store = new MemoryStore({ edges });
  let block: Block = await storeContent(store, base, { parser });
  let whole = Buffer.from(base);
  for (const part of more) {
    block = await appendContent(store, block, portionsOf(part, [1000, 1, 7]), { parser });
    whole = Buffer.concat([whole, part]);
    const reference = await storeContent(new MemoryStore({ edges }), whole, { parser });
    assert.equal(formatBlock(block), formatBlock(reference), `after ${whole.length} octets`);
  }
}

describe('appending to a content', () => {
  for (const edges of EDGES) {
    it(`any appends give the Block of one pass over all, at a mean of ${edges.meanSize}`, async () => {
      const size = edges.meanSize * 40;
      await fc.assert(
        fc.asyncProperty(contents(size), fc.array(contents(size / 4), { maxLength: 4 }), (base, more) => checkAppends(edges, base, more)),
        { numRuns: 60 },
      );
    });

    it(`a parser that is handed in proposes its edges as in one pass, at a mean of ${edges.meanSize}`, async () => {
      const size = edges.meanSize * 20;
      await fc.assert(
        fc.asyncProperty(contents(size), fc.array(contents(size / 4), { maxLength: 3 }), (base, more) =>
          checkAppends(edges, base, more, LINES),
        ),
        { numRuns: 20 },
      );
    });
  }

  it('runs that grow octet by octet, and end, are as in one pass', async () => {
    const random = makeRandom(5);
    for (const length of [1, 200, 4094, 4095, 4096, 4097, 9000]) {
      const run = Buffer.alloc(length, 7);
      const noise = random.bytes(700);
      const more = [Buffer.alloc(1, 7), Buffer.alloc(4096, 7), random.bytes(3), Buffer.alloc(5000), Buffer.alloc(1), noise];
      for (const edges of EDGES) {
        await checkAppends(edges, run, more);
        await checkAppends(edges, Buffer.concat([noise, run]), more);
      }
    }
  });

  it('an append costs what is appended: one leaf and the way to it are read and written', async () => {
    const store = new MemoryStore();
    const random = makeRandom(9);
    const base = random.bytes(24 * 1024 * 1024);
    let block = await storeContent(store, base);
    const { depth } = await blockTreeStats(store, block);
    const parts = [base];
    for (const size of [1, 100, 5000, 1, 40_000, 0, 17]) {
      const part = random.bytes(size);
      parts.push(part);
      const counts = counting(store);
      const before = store.counts();
      block = await appendContent(counts.store, block, part);
      const after = store.counts();
      assert.ok(counts.asked <= 4 * (depth + 1) + 2, `${counts.asked} Blocks read for ${size} octets, at depth ${depth}`);
      assert.ok(counts.bytes <= store.edges.maxSize + counts.asked * 4096, `${counts.bytes} octets read for ${size}`);
      const newBytes = after.newBytes - before.newBytes;
      assert.ok(newBytes <= size + store.edges.maxSize + (depth + 1) * 8192, `${newBytes} octets written for ${size}`);
    }
    assert.equal(formatBlock(block), formatBlock(await storeContent(new MemoryStore(), Buffer.concat(parts))));
  });

  it('a hole of a terabyte grows without being read', async () => {
    const store = new MemoryStore();
    const hole: Block = { kind: 'run', span: 2 ** 40, octet: 0 };
    assert.deepEqual(await appendContent(store, hole, Buffer.alloc(10_000)), { ...hole, span: 2 ** 40 + 10_000 });
    const ended = await appendContent(store, hole, Buffer.from('end'));
    assert.equal(ended.span, 2 ** 40 + 3);
    assert.equal((await blockTreeStats(store, ended)).leaves, 2);
  });

  it('nothing appended to nothing is nothing', async () => {
    assert.equal(await appendContent(new MemoryStore(), EMPTY_BLOCK, []), EMPTY_BLOCK);
  });
});
