import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { sameBlock } from '../../../core/block/block.ts';
import type { EdgeSettings } from '../../../core/block/edge-settings.ts';
import { readBlockBytes, readBlockRange } from '../../../core/block/read-range.ts';
import { blockTreeStats } from '../../../core/block/tree-stats.ts';
import { leavesOf } from '../../../core/block/tree-walk.ts';
import type { BlockifyOptions, Content } from '../../../core/blockify/blockify.ts';
import { blockify } from '../../../core/blockify/blockify.ts';
import { parserNamed } from '../../../core/blockify/choose-parser.ts';
import { MIN_RUN_SIZE } from '../../../core/blockify/edge-kernel.ts';
import { storeContent } from '../../../core/blockify/store-content.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { contents, portionsOf } from '../../support/contents/contents.ts';
import { makeRandom } from '../../support/random.ts';

function settings(meanSize: number): EdgeSettings {
  return { kernel: 'poly32-1', minSize: meanSize >> 2, meanSize, maxSize: meanSize * 4 };
}

/** As {@link settings}, and four times as large from an octet on. */
function coarse(meanSize: number, coarseFrom: number): EdgeSettings {
  return { ...settings(meanSize), coarseFrom };
}

/** Leaves as `size` or `size x octet`, parts of one run joined, and the content they make. */
async function cut(content: Content, edges: EdgeSettings, options: BlockifyOptions = {}): Promise<{ leaves: string[]; data: Buffer }> {
  const leaves: string[] = [];
  const parts: Buffer[] = [];
  let run: { octet: number; size: number } | undefined;
  const endRun = (): void => {
    if (run !== undefined) leaves.push(`${run.size} x ${run.octet}`);
    run = undefined;
  };
  for await (const piece of blockify(content, edges, options)) {
    if (piece.kind === 'run') {
      if (run !== undefined && run.octet !== piece.octet) endRun();
      run = { octet: piece.octet, size: (run?.size ?? 0) + piece.size };
      parts.push(Buffer.alloc(piece.size, piece.octet));
    } else {
      endRun();
      leaves.push(`${piece.data.length}`);
      parts.push(Buffer.from(piece.data));
    }
  }
  endRun();
  return { leaves, data: Buffer.concat(parts) };
}

describe('content-defined Blocks', () => {
  it('edges do not depend on how the input is cut into reads, nor on WebAssembly, and the content comes back', async () => {
    await fc.assert(
      fc.asyncProperty(
        contents(400_000),
        fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 5 }),
        fc.constantFrom(settings(256), settings(1024), settings(8192), coarse(256, 50_000), coarse(2048, 0)),
        async (data, sizes, edges) => {
          const whole = await cut(data, edges);
          assert.ok(whole.data.equals(data));
          const portions = await cut(portionsOf(data, sizes), edges, { native: false });
          assert.deepEqual(portions.leaves, whole.leaves);
          assert.ok(portions.data.equals(data));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('leaves are what the rules of vt(5) say, worked out the slow way', async () => {
    await fc.assert(
      fc.asyncProperty(
        contents(60_000),
        fc.constantFrom(settings(256), settings(1000), coarse(256, 20_000), coarse(512, 0)),
        async (data, edges) => {
          assert.deepEqual((await cut(data, edges)).leaves, slowLeaves(data, edges));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('all leaves but the last before a run or the end have min to max octets', async () => {
    const edges = settings(1024);
    const { leaves } = await cut(makeRandom(3).bytes(1 << 20), edges);
    for (const leaf of leaves.slice(0, -1)) assert.ok(Number(leaf) >= edges.minSize && Number(leaf) <= edges.maxSize, leaf);
  });

  it('on random data the mean is the one asked for, within 5 %', async () => {
    const data = makeRandom(11).bytes(16 << 20);
    for (const mean of [4096, 8192, 16_384]) {
      const { leaves } = await cut(data, settings(mean));
      const found = data.length / leaves.length;
      assert.ok(Math.abs(found / mean - 1) < 0.05, `mean ${found} for ${mean}`);
    }
    const { leaves } = await cut(data, coarse(2048, 0));
    const found = data.length / leaves.length;
    assert.ok(Math.abs(found / 8192 - 1) < 0.05, `mean ${found} where it is four times 2048`);
  });

  it('leaves become larger at an octet of the content, and not where a parser is heard', async () => {
    const data = makeRandom(5).bytes(4 << 20);
    const from = 1 << 20;
    const { leaves } = await cut(data, coarse(1024, from));
    const fine = (await cut(data, settings(1024))).leaves;
    let at = 0;
    let count = 0;
    for (; at < from; count++) at += Number(leaves[count]);
    assert.deepEqual(leaves.slice(0, count), fine.slice(0, count));
    const others = leaves.slice(count, -1).map(Number);
    assert.ok(
      others.length > 0 && others.every((size) => size >= 2048 && size <= 16_384),
      `${Math.min(...others)} to ${Math.max(...others)}`,
    );
    // What goes on from an edge is told how much was before it.
    assert.deepEqual((await cut(data.subarray(at), coarse(1024, from), { start: at })).leaves.slice(1), leaves.slice(count + 1));
    const parser = parserNamed('tar');
    assert.deepEqual((await cut(data, coarse(1024, from), { parser })).leaves, (await cut(data, settings(1024), { parser })).leaves);
  });

  it('Blocks of text, CSV, samples, and octets of one bit are of usual sizes too', async () => {
    const random = makeRandom(12);
    const size = 2 << 20;
    const rows = (make: (i: number) => string): Buffer =>
      Buffer.from(Array.from({ length: size / 16 }, (_, i) => make(i)).join('')).subarray(0, size);
    const samples: Record<string, Buffer> = {
      text: rows(
        () =>
          `${random.pick(['so', 'many', 'words', 'that', 'say', 'little', 'at', 'length\n'])} ${random.pick(['of', 'in', 'by'])} ${random.below(9)} `,
      ),
      csv: rows((i) => `${i},${random.below(1000)},${random.pick(['north', 'south'])},0.${random.below(100)}\n`),
      // The octets of random text twice as wide: of too few words no window would be like none before.
      utf16: Buffer.from(rows(() => `${random.below(1e6).toString(36)} `).toString('latin1'), 'utf16le').subarray(0, size),
      bits: Buffer.from(Array.from({ length: size }, () => random.below(2))),
      nibbles: Buffer.from(Array.from({ length: size }, () => random.below(16) << 4)),
      words32: Buffer.from(Uint32Array.from({ length: size / 4 }, () => random.below(3000)).buffer),
      sparse: Buffer.from(Array.from({ length: size }, () => (random.chance(90) ? 0 : random.below(256)))),
    };
    for (const [name, data] of Object.entries(samples)) {
      const { leaves } = await cut(data, settings(8192));
      const mean = data.length / leaves.length;
      assert.ok(mean > 5000 && mean < 12_000, `${name}: mean ${mean}`);
      const largest = leaves.filter((leaf) => leaf === '32768').length;
      assert.ok(largest < leaves.length / 10, `${name}: ${largest} of ${leaves.length} at the maximum`);
    }
  });

  it('edges survive an insertion, a deletion and a change: only the Blocks around them are new', async () => {
    const data = makeRandom(21).bytes(4 << 20);
    const at = 2_000_001;
    const edits = {
      insertion: Buffer.concat([data.subarray(0, at), Buffer.from('some words'), data.subarray(at)]),
      deletion: Buffer.concat([data.subarray(0, at), data.subarray(at + 77)]),
      change: Buffer.concat([data.subarray(0, at), Buffer.from('XYZ'), data.subarray(at + 3)]),
    };
    for (const [edges, most] of [
      [settings(8192), 120_000],
      [coarse(8192, 1 << 20), 360_000],
    ] as const) {
      await using store = new MemoryStore({ edges });
      await storeContent(store, data);
      for (const [name, edited] of Object.entries(edits)) {
        const before = store.counts();
        await storeContent(store, edited);
        const newBytes = store.counts().newBytes - before.newBytes;
        assert.ok(newBytes < most, `${name}: ${newBytes} new octets`);
      }
    }
  });
});

/** The rules, over the whole content at once. */
function slowLeaves(data: Buffer, { minSize, meanSize, maxSize, coarseFrom = Number.POSITIVE_INFINITY }: EdgeSettings): string[] {
  const width = Math.max(1, Math.ceil(2 ** 17 / meanSize));
  const limit = Math.min(2 ** 32, Math.floor(2 ** 49 / (meanSize * width)));
  const polynomial = (at: number, base: number): number => {
    let sum = 0;
    for (let i = at - 63; i <= at; i++) sum = (Math.imul(sum, base) + (data[i] ?? 0)) | 0;
    return sum >>> 0;
  };
  const leaves: string[] = [];
  const cutStretch = (start: number, end: number): void => {
    let last = start;
    for (let edge = start + 1; edge <= end; edge++) {
      const size = edge - last;
      const isCoarse = last >= coarseFrom;
      let isEdge = edge === end || size === (isCoarse ? 4 * maxSize : maxSize);
      if (!isEdge && size >= (isCoarse ? 2 * meanSize : minSize) && edge >= 64) {
        const h = polynomial(edge - 1, 0xa525) & 0xffff;
        const g = polynomial(edge - 1, 0x9e3779b1);
        const isCandidate = h >= 0x8000 && h < 0x8000 + width && g < limit;
        isEdge = isCandidate && ((!isCoarse && size >= Math.floor((5 * meanSize) / 8)) || g < Math.floor(limit / 4));
      }
      if (!isEdge) continue;
      leaves.push(`${size}`);
      last = edge;
    }
  };
  let stretch = 0;
  for (let start = 0, end = 0; start < data.length; start = end) {
    while (end < data.length && data[end] === data[start]) end++;
    if (end - start < MIN_RUN_SIZE) continue;
    cutStretch(stretch, start);
    leaves.push(`${end - start} x ${data[start]}`);
    stretch = end;
  }
  cutStretch(stretch, data.length);
  return leaves;
}

describe('runs', () => {
  it('4,096 equal octets anywhere become a run, 4,095 do not', async () => {
    const random = makeRandom(31);
    for (const octet of [0, 0xff, 0x20]) {
      for (const [size, isRun] of [
        [4095, false],
        [4096, true],
        [4097, true],
        [300_000, true],
      ] as const) {
        const around = [random.bytes(1000 + random.below(9000)), random.bytes(1000)];
        for (const part of around) {
          part[0] = octet ^ 1;
          part[part.length - 1] = octet ^ 1;
        }
        const data = Buffer.concat([around[0] as Buffer, Buffer.alloc(size, octet), around[1] as Buffer]);
        const { leaves } = await cut(portionsOf(data, [777]), settings(8192));
        assert.equal(leaves.includes(`${size} x ${octet}`), isRun, `${size} x ${octet}: ${leaves.join(' ')}`);
      }
    }
  });

  it('a content of NUL alone is one RunBlock, and nothing is stored', async () => {
    await using store = new MemoryStore({ edges: settings(8192) });
    const zeros = new Uint8Array(1 << 20);
    const block = await storeContent(
      store,
      (function* () {
        for (let i = 0; i < 64; i++) yield zeros;
      })(),
    );
    assert.deepEqual(block, { kind: 'run', span: 64 << 20, octet: 0 });
    assert.equal(store.counts().newBlocks, 0);
  });

  it('a sparse disk image stores its data, and its holes in a few octets', async () => {
    const random = makeRandom(41);
    const extents = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? random.bytes(65_536) : Buffer.alloc(3 << 20)));
    await using store = new MemoryStore({ edges: settings(8192) });
    const image = Buffer.concat(extents);
    const block = await storeContent(store, image);
    assert.ok(store.counts().newBytes < 10 * 65_536 + 12_000);
    const stats = await blockTreeStats(store, block);
    assert.equal(stats.runLeaves, 10);
    assert.equal(stats.runBytes, 10 * (3 << 20));
    assert.ok(Buffer.from(await readBlockBytes(store, block, { maxSize: image.length })).equals(image));
  });
});

describe('contents in a Store', () => {
  it('a content is read back the same, by parts and whole, and its statistics add up', async () => {
    await fc.assert(
      fc.asyncProperty(contents(200_000), fc.nat(), fc.nat(), async (data, from, to) => {
        await using store = new MemoryStore({ edges: settings(512) });
        const block = await storeContent(store, portionsOf(data, [10_000]));
        assert.equal(block.span, data.length);
        assert.ok(sameBlock(block, await storeContent(store, data)));
        assert.ok(Buffer.from(await readBlockBytes(store, block, { maxSize: data.length })).equals(data));
        const start = from % (data.length + 1);
        const end = start + (to % (data.length - start + 1));
        const parts: Buffer[] = [];
        for await (const part of readBlockRange(store, block, { start, end })) parts.push(Buffer.from(part));
        assert.ok(Buffer.concat(parts).equals(data.subarray(start, end)));
        const stats = await blockTreeStats(store, block);
        assert.equal(stats.hashedBytes + stats.literalBytes + stats.runBytes, data.length);
        let leaves = 0;
        for await (const leaf of leavesOf(store, block)) leaves += leaf.size > 0 ? 1 : 0;
        assert.equal(stats.leaves, leaves);
      }),
      { numRuns: 40 },
    );
  });

  it('what the reader throws comes out', async () => {
    await using store = new MemoryStore();
    const failing = (async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('a beginning');
      throw new Error('the disk is gone');
    })();
    await assert.rejects(storeContent(store, failing), /the disk is gone/);
    await assert.rejects(storeContent(store, Buffer.alloc(10), { signal: AbortSignal.abort() }), { code: 'ECANCELLED' });
  });
});
