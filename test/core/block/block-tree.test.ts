import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import type { Block } from '../../../core/block/block.ts';
import { EMPTY_BLOCK, sameBlock } from '../../../core/block/block.ts';
import { leafBlock, PendingBlocks } from '../../../core/block/block-sink.ts';
import { encodeBlockref } from '../../../core/block/blockref.ts';
import { readBlockBytes, readBlockRange } from '../../../core/block/read-range.ts';
import { BlockTreeBuilder, MAX_REFS, MIN_REFS } from '../../../core/block/tree-builder.ts';
import { blockTreeStats } from '../../../core/block/tree-stats.ts';
import { leavesOf } from '../../../core/block/tree-walk.ts';
import { makeRandom } from '../../support/random.ts';
import { MapSource } from '../../support/stores/map-source.ts';

/** A leaf's octets: short, runs of one octet, or long. */
const leafData = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.tuple(fc.integer({ min: 33, max: 5000 }), fc.constantFrom(0, 0, 7)).map(([size, octet]) => new Uint8Array(size).fill(octet)),
  fc.tuple(fc.integer({ min: 33, max: 300 }), fc.nat()).map(([size, seed]) => new Uint8Array(makeRandom(seed).bytes(size))),
);

/** Up to thousands of leaves, from a few that repeat. */
const leafLists = fc
  .tuple(fc.array(leafData, { minLength: 1, maxLength: 20 }), fc.nat({ max: 1200 }), fc.nat())
  .map(([kinds, count, seed]) => {
    const random = makeRandom(seed);
    return Array.from({ length: count }, () => kinds[random.below(kinds.length)] as Uint8Array);
  });

function treeOf(sink: MapSource, leaves: readonly Uint8Array[]): Block {
  const builder = new BlockTreeBuilder(sink);
  for (const leaf of leaves) builder.add(leafBlock(sink, leaf));
  return builder.finish();
}

async function rangeOf(source: MapSource, block: Block, start?: number, end?: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of readBlockRange(source, block, { start, end })) {
    assert.ok(part.length > 0);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** A tree of so many different leaves of 100 octets. */
function wideTree(sink: MapSource, count: number, changed = -1): Block {
  const random = makeRandom(1);
  return treeOf(
    sink,
    Array.from({ length: count }, (_, i) => {
      const data = random.bytes(100);
      if (i === changed) data[0] = (data[0] ?? 0) ^ 1;
      return data;
    }),
  );
}

describe('Block trees', () => {
  it('any leaves come back, whole and in any range', async () => {
    await fc.assert(
      fc.asyncProperty(leafLists, fc.nat(), fc.nat(), async (leaves, from, to) => {
        const source = new MapSource();
        const whole = Buffer.concat(leaves);
        const top = treeOf(source, leaves);
        assert.equal(top.span, whole.length);
        assert.ok((await rangeOf(source, top)).equals(whole));
        assert.ok(Buffer.from(await readBlockBytes(source, top, { maxSize: whole.length })).equals(whole));
        const start = from % (whole.length + 1);
        const end = start + (to % (whole.length + 10));
        assert.ok((await rangeOf(source, top, start, end)).equals(whole.subarray(start, end)));
        const sub: Block = { kind: 'sub', base: top, offset: start, span: Math.min(end, whole.length) - start };
        assert.ok((await rangeOf(source, sub)).equals(whole.subarray(start, end)));
        assert.ok(Buffer.from(await readBlockBytes(source, sub, { maxSize: whole.length })).equals(whole.subarray(start, end)));
      }),
      { numRuns: 40 },
    );
  });

  it('the same leaves give the same reference, also when those of the tree are added again', async () => {
    await fc.assert(
      fc.asyncProperty(leafLists, async (leaves) => {
        const source = new MapSource();
        const top = treeOf(source, leaves);
        const again = new BlockTreeBuilder(source);
        for await (const { block } of leavesOf(source, top)) {
          // Runs may come in parts.
          if (block.kind === 'run' && block.span > 1) {
            again.add({ ...block, span: 1 });
            again.add({ ...block, span: block.span - 1 });
          } else again.add(block);
        }
        assert.ok(again.finish().span === top.span);
        assert.ok(sameBlock(treeOf(source, leaves), top));
        for await (const { block } of leavesOf(source, top)) again.add(block);
        assert.ok(encodeBlockref(again.finish()).equals(encodeBlockref(top)));
      }),
      { numRuns: 25 },
    );
  });

  it('of no leaves is the empty literal, of one that leaf', () => {
    const sink = new MapSource();
    assert.equal(new BlockTreeBuilder(sink).finish(), EMPTY_BLOCK);
    const one = treeOf(sink, [new Uint8Array(0), makeRandom(2).bytes(50), new Uint8Array(0)]);
    assert.equal(one.kind, 'hash');
    assert.equal(sink.blocks.size, 1);
  });

  it('an edit of one leaf rewrites one superblock of each level, and now and then its neighbour', async () => {
    const sink = new MapSource();
    const top = wideTree(sink, 20_000);
    const stats = await blockTreeStats(sink, top);
    assert.equal(stats.depth, 3);
    assert.equal(stats.leaves, 20_000);
    let rewritten = 0;
    for (let i = 0; i < 12; i++) {
      const before = new Set(sink.blocks.keys());
      const edited = wideTree(sink, 20_000, i * 1666);
      const added = [...sink.blocks.keys()].filter((key) => !before.has(key)).length - 1;
      assert.ok(added <= 12, `${added} new superblocks`);
      rewritten += added;
      assert.equal(edited.span, top.span);
    }
    assert.ok(rewritten / 12 < 4.5, `${rewritten / 12} new superblocks an edit`);
  });

  it('superblocks have MIN_REFS to MAX_REFS references, about 31 of them', async () => {
    const sink = new MapSource();
    const stats = await blockTreeStats(sink, wideTree(sink, 30_000));
    const perSuperblock = (stats.leaves + stats.superblocks - 1) / stats.superblocks;
    assert.ok(perSuperblock > 25 && perSuperblock < 37, `${perSuperblock}`);
    const runs = new BlockTreeBuilder(sink);
    for (let i = 0; i < 100_000; i++) runs.add({ kind: 'run', span: 4096, octet: i % 2 });
    const alternating = await blockTreeStats(sink, runs.finish());
    assert.equal(alternating.leaves, 100_000);
    assert.ok(alternating.superblocks <= 100_000 / MIN_REFS + 1000 && alternating.superblocks >= 100_000 / MAX_REFS);
  });

  it('references that are too long, spans that are unknown or too many are refused', () => {
    const builder = new BlockTreeBuilder(new MapSource());
    assert.throws(() => builder.add({ kind: 'literal', span: 5000, data: new Uint8Array(5000) }), RangeError);
    assert.throws(() => builder.add({ kind: 'hash', span: -1, hashcode: { hashName: 'sha1', digest: new Uint8Array(20) } }), RangeError);
    builder.add({ kind: 'run', span: Number.MAX_SAFE_INTEGER - 5000, octet: 0 });
    assert.throws(() => builder.add({ kind: 'run', span: 6000, octet: 1 }), RangeError);
  });

  it('a range reads only the Blocks that it needs', async () => {
    const source = new MapSource();
    const top = wideTree(source, 20_000);
    source.asked.length = 0;
    assert.equal((await rangeOf(source, top, 1_000_000, 1_000_050)).length, 50);
    // Superblocks of three levels, those read ahead, and one leaf or two.
    assert.ok(source.asked.length <= 8, `${source.asked.length} Blocks read`);
  });

  it('reading stops early without reading on', async () => {
    const source = new MapSource();
    const top = wideTree(source, 20_000);
    source.asked.length = 0;
    for await (const part of readBlockRange(source, top)) if (part.length > 0) break;
    assert.ok(source.asked.length < 30, `${source.asked.length} Blocks read`);
  });

  it('several Blocks are asked of a Store at a time, a bounded number', async () => {
    const source = new MapSource();
    const top = wideTree(source, 3000);
    let inFlight = 0;
    let most = 0;
    const slow = {
      name: 'slow',
      async get(...args: Parameters<MapSource['get']>) {
        most = Math.max(most, ++inFlight);
        await new Promise(setImmediate);
        inFlight--;
        return source.get(...args);
      },
    };
    let size = 0;
    // Leaves have 100 octets.
    for await (const part of readBlockRange(slow, top, { maxReadAhead: 2000 })) size += part.length;
    assert.equal(size, 300_000);
    assert.ok(most >= 8 && most <= 24, `${most} in flight`);
  });

  it('a Store that lets its reader wait is asked for more at a time, up to the most', async () => {
    const source = new MapSource();
    const top = wideTree(source, 3000);
    let inFlight = 0;
    let most = 0;
    const far = {
      name: 'far',
      async get(...args: Parameters<MapSource['get']>) {
        most = Math.max(most, ++inFlight);
        await pause(20);
        inFlight--;
        return source.get(...args);
      },
    };
    let size = 0;
    for await (const part of readBlockRange(far, top, { maxReadAhead: 50_000 })) size += part.length;
    assert.equal(size, 300_000);
    assert.ok(most > 100 && most <= 510, `${most} in flight`);
  });
});

describe('runs are views of one buffer', () => {
  it('1 TiB of NUL reads as views of one buffer, at any place', async () => {
    const hole: Block = { kind: 'run', span: 2 ** 40, octet: 0 };
    assert.ok(encodeBlockref(hole).length < 16);
    const source = new MapSource();
    const before = process.memoryUsage().arrayBuffers;
    const buffers = new Set<ArrayBufferLike>();
    let size = 0;
    for await (const part of readBlockRange(source, hole)) {
      buffers.add(part.buffer);
      size += part.length;
    }
    assert.equal(size, 2 ** 40);
    assert.equal(buffers.size, 1);
    assert.ok(process.memoryUsage().arrayBuffers - before < 4 << 20);
    assert.ok((await rangeOf(source, hole, 2 ** 39 + 5, 2 ** 39 + 3_000_000)).equals(Buffer.alloc(2_999_995)));
  });

  it('runs of other octets too, alone and among leaves', async () => {
    const source = new MapSource();
    const builder = new BlockTreeBuilder(source);
    const parts = [Buffer.from('head of it'), Buffer.alloc(200_000, 0xa5), Buffer.alloc(100_000), makeRandom(4).bytes(90)];
    for (const part of parts) builder.add(leafBlock(source, part));
    const top = builder.finish();
    assert.equal(source.blocks.size <= 2, true);
    const whole = Buffer.concat(parts);
    assert.ok((await rangeOf(source, top)).equals(whole));
    assert.ok((await rangeOf(source, top, 150_000, 250_000)).equals(whole.subarray(150_000, 250_000)));
  });
});

describe('Block trees that lie', () => {
  const source = new MapSource();
  const leaf = leafBlock(source, makeRandom(5).bytes(100));
  function over(refs: readonly Block[], span?: number): Block {
    const data = Buffer.concat(refs.map((ref) => encodeBlockref(ref)));
    const sum = refs.reduce((total, ref) => total + ref.span, 0);
    return { kind: 'indirect', span: span ?? sum, refs: { kind: 'hash', span: data.length, hashcode: source.put(data) } };
  }
  const LIARS: readonly [name: string, block: Block, code: string][] = [
    ['a superblock of less than its span', over([leaf, leaf], 300), 'ECORRUPT'],
    ['a superblock of more than its span', over([leaf, leaf], 150), 'ECORRUPT'],
    ['a leaf of another size', { ...leaf, span: 99 } as Block, 'ECORRUPT'],
    ['a leaf of another size below', over([{ ...leaf, span: 101 } as Block]), 'ECORRUPT'],
    [
      'a superblock that is no list',
      { kind: 'indirect', span: 5, refs: { kind: 'hash', span: 3, hashcode: source.put(Buffer.from('\xff\xff\xff', 'latin1')) } },
      'ECORRUPT',
    ],
    [
      'a superblock that is missing',
      { kind: 'indirect', span: 5, refs: { kind: 'hash', span: 3, hashcode: { hashName: 'sha3-256', digest: new Uint8Array(32) } } },
      'EMISSING',
    ],
    ['a leaf that is missing', { kind: 'hash', span: 5, hashcode: { hashName: 'sha3-256', digest: new Uint8Array(32) } }, 'EMISSING'],
    ['a superblock that is a run', { kind: 'indirect', span: 5, refs: { kind: 'run', span: 3, octet: 0 } }, 'ECORRUPT'],
    ['a sub-Block beyond its base', { kind: 'sub', span: 50, base: leaf, offset: 60 }, 'ECORRUPT'],
    ['40 levels', Array.from({ length: 40 }).reduce<Block>((below) => over([below]), leaf), 'ECORRUPT'],
    [
      'a million empty superblocks in superblocks',
      Array.from({ length: 4 }).reduce<Block>((below) => over([...Array.from({ length: 30 }, () => below), leaf]), over([leaf], 0)),
      '',
    ],
  ];
  for (const [name, block, code] of LIARS) {
    it(`${name} is ${code === '' ? 'walked in bounded time' : `refused with ${code}`}`, async () => {
      const reading = readBlockBytes(source, block, { maxSize: 1 << 20 });
      if (code !== '') await assert.rejects(reading, { code });
      else await reading.catch(() => undefined);
      if (code === 'ECORRUPT' && block.kind === 'indirect' && name.includes('superblock'))
        await assert.rejects(blockTreeStats(source, block), { code });
    });
  }

  it('what lies before the fault is given first', async () => {
    const block = over([leaf, { kind: 'hash', span: 9, hashcode: { hashName: 'sha3-256', digest: new Uint8Array(32) } }]);
    let size = 0;
    await assert.rejects(
      async () => {
        for await (const part of readBlockRange(source, block)) size += part.length;
      },
      { code: 'EMISSING' },
    );
    assert.equal(size, 100);
  });

  it('more octets than the reader allows are refused before a leaf is read', async () => {
    source.asked.length = 0;
    await assert.rejects(readBlockBytes(source, { kind: 'run', span: 2 ** 50, octet: 0 }, { maxSize: 1000 }), { code: 'ECORRUPT' });
    await assert.rejects(readBlockBytes(source, leaf, { maxSize: 99 }), { code: 'ECORRUPT' });
    assert.deepEqual(source.asked, []);
  });
});

describe('Blocks waiting for a Store', () => {
  it('equal ones wait once; a Store that fails leaves them waiting', async () => {
    const pending = new PendingBlocks('sha256');
    const data = Buffer.from('some octets of a Block that is longer than a literal');
    const hashcode = pending.put(data);
    pending.put(Buffer.from(data));
    assert.equal(pending.count, 1);
    assert.equal(pending.size, data.length);
    data[0] = 0;
    assert.equal(pending.peek(hashcode)?.[0], 's'.charCodeAt(0));
    const failing = { hashName: 'sha256' as const, addBatch: () => Promise.reject(new Error('full')) };
    await assert.rejects(pending.flushTo(failing), /full/);
    assert.equal(pending.count, 1);
    const added: number[] = [];
    await pending.flushTo({ hashName: 'sha256', addBatch: async (blocks) => blocks.map(({ data: { length } }) => added.push(length) > 0) });
    assert.deepEqual(added, [data.length]);
    assert.equal(pending.size, 0);
    await assert.rejects(pending.flushTo({ hashName: 'sha1', addBatch: async () => [] }), TypeError);
  });
});

it('parts of a Block count as unique with the octets that are used of them, never more than there are', async () => {
  const source = new MapSource();
  const base = leafBlock(source, makeRandom(3).bytes(5000));
  const part = (offset: number, span: number): Block => ({ kind: 'sub', base, offset, span });
  for (const [blocks, hashed, unique] of [
    [[part(10, 20)], 20, 20],
    [[part(10, 20), part(100, 30)], 50, 50],
    [[base, base], 10_000, 5000],
    [[part(0, 4000), part(0, 4000)], 8000, 5000],
  ] as const) {
    const builder = new BlockTreeBuilder(source);
    for (const block of blocks) builder.add(block);
    const { hashedBytes, uniqueBytes, uniqueLeaves } = await blockTreeStats(source, builder.finish());
    assert.deepEqual([hashedBytes, uniqueBytes, uniqueLeaves], [hashed, unique, 1]);
  }
});
