import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatBlock } from '../../../core/block/block-text.ts';
import type { EdgeSettings } from '../../../core/block/edge-settings.ts';
import { blockTreeStats } from '../../../core/block/tree-stats.ts';
import { KERNEL_ID } from '../../../core/blockify/edge-hash.ts';
import { EdgeScanner } from '../../../core/blockify/edge-scanner.ts';
import { GrowingContent, type StablePoint } from '../../../core/blockify/growing-content.ts';
import { Ingest } from '../../../core/blockify/ingest/ingest.ts';
import type { ContentHint } from '../../../core/blockify/parser.ts';
import { PARSERS } from '../../../core/blockify/parsers/list.ts';
import { storeContent } from '../../../core/blockify/store-content.ts';
import { takeUpContent } from '../../../core/blockify/take-up-content.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { syntaxSamples } from '../../support/contents/syntax-samples.ts';
import type { Random } from '../../support/random.ts';
import { makeRandom } from '../../support/random.ts';

/** Edges so near that a few thousand octets make several levels of superblocks, and those of new Stores. */
const EDGES: readonly [EdgeSettings, EdgeSettings, EdgeSettings, EdgeSettings] = [
  { kernel: KERNEL_ID, minSize: 16, meanSize: 64, maxSize: 256 },
  { kernel: KERNEL_ID, minSize: 128, meanSize: 512, maxSize: 2048 },
  { kernel: KERNEL_ID, minSize: 2048, meanSize: 8192, maxSize: 32_768 },
  { kernel: KERNEL_ID, minSize: 128, meanSize: 256, maxSize: 1024, coarseFrom: 10_000 },
];

const SEQUENCES = 1000;

/** A content for a parser: its own sample, joined with others, runs, and noise. */
function contentFor(random: Random, sample: Buffer): Buffer {
  const parts: Buffer[] = [sample];
  for (let count = random.below(4); count > 0; count--) {
    const start = random.below(sample.length);
    parts.push(
      random.pick([
        sample.subarray(start, start + random.below(20_000)),
        Buffer.alloc(random.pick([100, 4095, 4096, 4097, 9000]), random.pick([0, 10, 65])),
        random.bytes(random.below(5000)),
        Buffer.from('\n\nFrom x\n\n--a\n\n%%EOF\r\n;\n'.repeat(random.below(300))),
      ]),
    );
  }
  return Buffer.concat(parts).subarray(0, 60_000);
}

/** Fills rooms with octets. */
function reading(octets: Buffer): (room: Uint8Array) => number {
  let at = 0;
  return (room) => {
    const part = octets.subarray(at, at + room.length);
    room.set(part);
    at += part.length;
    return part.length;
  };
}

/** As a checkpoint gives it back, which may be of a version that knew nothing of parsers. */
function kept(point: StablePoint, knowsParser = true): StablePoint {
  const { parsing, ...others } = JSON.parse(JSON.stringify(point)) as StablePoint;
  return knowsParser ? { ...others, parsing } : others;
}

/** Where it is cut into appends. */
function portionSize(random: Random): number {
  return random.pick([1, 3, 70, 500, 4096, 9000, 40_000]) + random.below(100);
}

async function checkSequence(seed: number, samples: readonly [Buffer, ...Buffer[]]): Promise<void> {
  const random = makeRandom(seed);
  const edges = random.pick(EDGES);
  const parser = random.pick(['none', undefined, ...PARSERS.map(({ name }) => name)] as const);
  const content = contentFor(random, random.pick(samples));
  const hint: ContentHint = parser === undefined ? {} : { parser };
  const store = new MemoryStore({ edges });
  const scanner = new EdgeScanner(edges);
  await using ingest = random.chance(30) ? new Ingest(store, { workers: 0 }) : undefined;
  let growing = new GrowingContent(store, scanner, hint);
  let states = 0;
  for (let at = 0; at < content.length; ) {
    const size = portionSize(random);
    if (ingest !== undefined && random.chance(20)) await growing.pushFrom(ingest, reading(content.subarray(at, at + size)));
    else growing.push(content.subarray(at, at + size));
    at = Math.min(content.length, at + size);
    if (random.chance(states < 3 ? 30 : 3) || at === content.length) {
      states++;
      const block = growing.block();
      await growing.flushTo(store);
      const reference = await storeContent(new MemoryStore({ edges }), content.subarray(0, at), { hint });
      assert.equal(
        formatBlock(block),
        formatBlock(reference),
        `seed ${seed}, parser ${parser}, mean ${edges.meanSize}, after ${at} octets`,
      );
      if (random.chance(40)) growing = await takeUpContent(store, scanner, block, kept(growing.stablePoint(), random.chance(90)), hint);
    }
  }
}

describe('a content that grows', () => {
  const random = makeRandom(34);
  const [first, ...others] = [...syntaxSamples(random).values()].map((sample) => sample.subarray(0, 50_000));
  const samples = [first as Buffer, ...others] as const;

  it(`any appends, with any parser, taken up anywhere, give the Block of one pass over all: ${SEQUENCES} sequences`, async () => {
    for (let seed = 0; seed < SEQUENCES; seed++) await checkSequence(seed, samples);
  });

  it('a parser without effect at the end says nothing if asked what it would say there', () => {
    // All that is checked above would hide an edge at the very end.
    for (const parser of PARSERS) {
      const steps = parser.edges();
      steps.next();
      for (const octets of [Buffer.from('x'), new Uint8Array(0), Buffer.from('y')]) assert.equal(steps.next(octets).value, undefined);
    }
  });

  it('taken up, a content is read from its last stable edge on, whatever its parser', async () => {
    const edges = EDGES[2];
    for (const parser of ['none', 'lines', 'text', 'mbox', 'sql', 'gzip', 'tar', 'zip', 'vtd', 'mp3']) {
      const store = new MemoryStore({ edges });
      const scanner = new EdgeScanner(edges);
      const hint: ContentHint = parser === 'none' ? {} : { parser };
      const growing = new GrowingContent(store, scanner, hint);
      const sample = syntaxSamples(makeRandom(7)).get(parser) ?? makeRandom(7).bytes(50_000);
      while (growing.span < 40 * edges.maxSize) growing.push(sample);
      const block = growing.block();
      await growing.flushTo(store);
      let read = 0;
      const counting: Pick<MemoryStore, 'hashName' | 'get' | 'addBatch' | 'name'> = {
        hashName: store.hashName,
        name: store.name,
        addBatch: store.addBatch.bind(store),
        get: async (hashcode, options) => {
          const found = await store.get(hashcode, options);
          read += found?.length ?? 0;
          return found;
        },
      };
      const again = await takeUpContent(counting, scanner, block, kept(growing.stablePoint()), hint);
      assert.equal(formatBlock(again.block()), formatBlock(block), parser);
      // The leaves after the edge, what the parser began with, and superblocks on the way there.
      assert.ok(read <= 3 * edges.maxSize, `${parser}: read ${read} of ${block.span}`);
    }
  });

  it('an append stores the last leaf and the superblocks above it, whatever the size before', async () => {
    const edges = EDGES[2];
    const store = new MemoryStore({ edges });
    const growing = new GrowingContent(store, new EdgeScanner(edges), { fileName: 'x.log' as ContentHint['fileName'] });
    const line = (i: number): Buffer => Buffer.from(`2026-11-22T10:${i} host program[${i * 7919}]: a message that says ${i ** 3}\n`);
    const lines: Buffer[] = [];
    for (let i = 0; i < 200_000; i++) lines.push(line(i));
    growing.push(Buffer.concat(lines));
    growing.block();
    await growing.flushTo(store);
    for (let i = 0; i < 200; i++) {
      const before = store.counts();
      growing.push(line(i));
      const block = growing.block();
      await growing.flushTo(store);
      const { newBlocks, newBytes } = store.counts();
      const { depth } = await blockTreeStats(store, block);
      // Where an edge came with the line, the leaf before it is new too.
      assert.ok(newBlocks - before.newBlocks <= depth + 2, `${newBlocks - before.newBlocks} new Blocks at depth ${depth}`);
      assert.ok(newBytes - before.newBytes <= 2 * edges.maxSize + depth * 4096, `${newBytes - before.newBytes} octets`);
    }
  });
});
