import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, lstatSync, openSync, rmSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Octets } from '../../../../core/base/octets.ts';
import type { Block } from '../../../../core/block/block.ts';
import { leafBlock, PendingBlocks } from '../../../../core/block/block-sink.ts';
import { formatBlock } from '../../../../core/block/block-text.ts';
import type { EdgeSettings } from '../../../../core/block/edge-settings.ts';
import { readBlockBytes } from '../../../../core/block/read-range.ts';
import { BlockTreeBuilder } from '../../../../core/block/tree-builder.ts';
import { blockify } from '../../../../core/blockify/blockify.ts';
import { Ingest } from '../../../../core/blockify/ingest/ingest.ts';
import { storeContent } from '../../../../core/blockify/store-content.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';
import { ingestFile } from '../../../support/contents/ingest-file.ts';
import { makeRandom } from '../../../support/random.ts';
import { makeScratch } from '../../../support/scratch.ts';

const USUAL: EdgeSettings = { kernel: 'poly32-1', minSize: 2048, meanSize: 8192, maxSize: 32768 };
const TINY: EdgeSettings = { kernel: 'poly32-1', minSize: 64, meanSize: 256, maxSize: 1024 };
const GROWING: EdgeSettings = { ...USUAL, coarseFrom: 1_000_000 };
const LARGE: EdgeSettings = { kernel: 'poly32-1', minSize: 65536, meanSize: 262144, maxSize: 1048576 };

/** What one thread gives for a content. */
async function reference(content: Uint8Array, edges: EdgeSettings): Promise<string> {
  const sink = new PendingBlocks('sha256');
  const tree = new BlockTreeBuilder(sink);
  for await (const piece of blockify(content, edges)) {
    tree.add(piece.kind === 'run' ? { kind: 'run', octet: piece.octet, span: piece.size } : leafBlock(sink, piece.data));
  }
  return formatBlock(tree.finish());
}

/** Content with what edges depend on: noise, text, runs of all lengths, at places of no order. */
function makeContent(seed: number, size: number): Buffer {
  const random = makeRandom(seed);
  const content = Buffer.alloc(size);
  for (let at = 0; at < size; ) {
    const length = Math.min(size - at, 1 + random.below(random.pick([100, 5000, 100_000, 600_000])));
    const style = random.below(4);
    if (style === 0) content.fill(random.pick([0, 0, 32, 255]), at, at + length);
    else random.bytes(length).copy(content, at);
    if (style === 1) for (let i = at; i < at + length; i++) content[i] = 0x61 + ((content[i] ?? 0) % 8);
    at += length;
  }
  return content;
}

function* portions(content: Buffer, seed: number): Generator<Buffer> {
  const random = makeRandom(seed);
  for (let at = 0; at < content.length; ) {
    const size = 1 + random.below(random.pick([10, 5000, 2_000_000]));
    yield content.subarray(at, at + size);
    at += size;
  }
}

async function fileBlock(ingest: Ingest, path: string): Promise<Block> {
  const { block, isStable, stat } = await ingestFile(ingest, path);
  assert.equal(isStable, true);
  assert.equal(stat, undefined);
  return block;
}

for (const { name, edges, workers } of [
  { name: 'usual Blocks, two workers', edges: USUAL, workers: 2 },
  { name: 'tiny Blocks, one worker', edges: TINY, workers: 1 },
  { name: 'Blocks that become larger, two workers', edges: GROWING, workers: 2 },
  { name: 'large Blocks, no worker', edges: LARGE, workers: 0 },
]) {
  test(`files, streams and bytes give the reference that one thread gives (${name})`, async (t) => {
    const scratch = makeScratch(t);
    await using store = new MemoryStore({ hashName: 'sha256', edges });
    await using ingest = new Ingest(store, { workers });
    const sizes = [0, 1, 31, 32, 33, 4095, 4096, 4097, 65_536, 524_288, 524_289, 1_048_576, 1_048_577, 3_000_000, 7_340_032];
    await fc.assert(
      fc.asyncProperty(fc.nat(2 ** 31), fc.constantFrom(...sizes), async (seed, size) => {
        const content = makeContent(seed, size);
        const path = scratch.path('content');
        writeFileSync(path, content);
        const expected = await reference(content, edges);
        const file = await fileBlock(ingest, path);
        assert.equal(formatBlock(file), expected, 'file');
        assert.equal(formatBlock(await ingest.stream(portions(content, seed))), expected, 'stream');
        assert.equal(formatBlock(await ingest.bytes(content)), expected, 'bytes');
        await ingest.flushPending();
        assert.ok(content.equals(await readBlockBytes(store, file, { maxSize: size })), 'read back');
      }),
      { numRuns: 20, examples: sizes.map((size, seed) => [seed, size]) },
    );
  });
}

test('many contents at a time do not mix', async (t) => {
  const scratch = makeScratch(t);
  await using store = new MemoryStore({ hashName: 'sha256', edges: USUAL });
  await using ingest = new Ingest(store, { workers: 2 });
  const contents = Array.from({ length: 40 }, (_, i) => makeContent(i, i % 4 === 0 ? 2_500_000 + i : i * 1000));
  const blocks = await Promise.all(
    contents.map(async (content, i) => {
      const path = scratch.path(`file${i}`);
      writeFileSync(path, content);
      return i % 3 === 0 ? await ingest.stream(portions(content, i)) : await fileBlock(ingest, path);
    }),
  );
  await ingest.flushPending();
  for (const [i, content] of contents.entries()) {
    assert.equal(formatBlock(blocks[i] as Block), await reference(content, USUAL), `file ${i}`);
  }
});

test('small contents that come together are added together, and give what each gives alone', async () => {
  const batches: number[] = [];
  await using store = new (class extends MemoryStore {
    override async addBatch(...args: Parameters<MemoryStore['addBatch']>): Promise<boolean[]> {
      batches.push(args[0].length);
      return await super.addBatch(...args);
    }
  })({ hashName: 'sha256', edges: TINY });
  await using ingest = new Ingest(store, { workers: 1 });
  const contents = Array.from({ length: 300 }, (_, i) => makeContent(i, (i * 797) % (i % 50 === 0 ? 65_537 : 9000)));
  const names = ['a', 'a.mbox', 'a.csv', 'a.ts'] as Octets[];
  const hints = contents.map((_, i) => (i % 5 === 4 ? { parser: 'none', fileName: names[2] } : { fileName: names[i % 5] }));
  const blocks = await Promise.all(contents.map(async (content, i) => await ingest.bytes(content, hints[i])));
  await ingest.flushPending();
  assert.ok(batches.length <= 10, `${contents.length} contents in ${batches.length} batches`);
  for (const [i, content] of contents.entries()) {
    const alone = await storeContent(new MemoryStore({ hashName: 'sha256', edges: TINY }), content, { hint: hints[i] });
    assert.equal(formatBlock(blocks[i] as Block), formatBlock(alone), `content ${i}`);
    assert.ok(content.equals(await readBlockBytes(store, blocks[i] as Block, { maxSize: 100_000 })), `content ${i} read back`);
  }
});

test('holes are runs of NUL, and give the reference that their octets give', async (t) => {
  const scratch = makeScratch(t);
  await using store = new MemoryStore({ hashName: 'sha256', edges: USUAL });
  await using ingest = new Ingest(store, { workers: 1 });
  for (let seed = 0; seed < 12; seed++) {
    const random = makeRandom(seed);
    const size = 2_000_000 + random.below(4_000_000);
    const content = Buffer.alloc(size);
    const path = scratch.path(`sparse${seed}`);
    const fd = openSync(path, 'w');
    for (let at = random.below(300_000); at < size; at += random.below(900_000)) {
      const data = random.bytes(Math.min(size - at, 1 + random.below(200_000)));
      data.copy(content, at);
      writeSync(fd, data, 0, data.length, at);
      at += data.length;
    }
    ftruncateSync(fd, size);
    closeSync(fd);
    assert.equal(formatBlock(await fileBlock(ingest, path)), await reference(content, USUAL), `seed ${seed}`);
  }
});

test('many files of many holes at a time do not wait for each other for ever', async (t) => {
  const scratch = makeScratch(t);
  await using store = new MemoryStore({ hashName: 'sha256', edges: USUAL });
  await using ingest = new Ingest(store, { workers: 2 });
  const blocks = await Promise.all(
    Array.from({ length: 12 }, async (_, i) => {
      const path = scratch.path(`holes${i}`);
      const fd = openSync(path, 'w');
      for (let k = 0; k < 60; k++) writeSync(fd, makeRandom(k).bytes(5000 + i), 0, 5000 + i, k * 200_000);
      ftruncateSync(fd, 12_000_000);
      closeSync(fd);
      return await fileBlock(ingest, path);
    }),
  );
  assert.deepEqual(
    blocks.map(({ span }) => span),
    blocks.map(() => 12_000_000),
  );
});

test('a file of 1 TiB of holes is one run, at once', async (t) => {
  const path = makeScratch(t).path('tebibyte');
  const fd = openSync(path, 'w');
  ftruncateSync(fd, 2 ** 40);
  closeSync(fd);
  await using store = new MemoryStore();
  await using ingest = new Ingest(store);
  assert.equal(formatBlock(await fileBlock(ingest, path)), 'RLE{span:1099511627776,octet:00}');
  assert.equal(ingest.counts().newBlocks, 0);
});

test('new and existing Blocks and octets are counted, and a plan counts the same without storing', async () => {
  const content = makeContent(5, 3_000_000);
  const twice = Buffer.concat([content, makeRandom(6).bytes(100_000), content]);
  const count = async (store: MemoryStore, plan: boolean) => {
    await using ingest = new Ingest(store, { plan, workers: 0 });
    await ingest.bytes(twice);
    await ingest.flushPending();
    return ingest.counts();
  };
  await using store = new MemoryStore({ edges: USUAL });
  const planned = await count(store, true);
  assert.equal(store.counts().newBlocks, 0);
  const first = await count(store, false);
  assert.deepEqual(planned, first);
  assert.equal(store.counts().newBlocks, first.newBlocks);
  assert.equal(store.counts().newBytes, first.newBytes);
  assert.ok(first.existingBlocks > 50 && first.existingBytes > 1_000_000, 'the second half is there already');
  const second = await count(store, false);
  assert.equal(second.newBlocks, 0);
  assert.equal(second.existingBlocks, first.newBlocks + first.existingBlocks);
  assert.equal(second.existingBytes, first.newBytes + first.existingBytes);
});

test('what is no regular file any more, or not there, fails alone', async (t) => {
  const scratch = makeScratch(t);
  await using store = new MemoryStore();
  await using ingest = new Ingest(store);
  const [a, b, c] = ['a', 'b', 'c'].map((name) => scratch.path(name)) as [string, string, string];
  for (const path of [a, b, c]) writeFileSync(path, `content of ${path}, longer than a literal`);
  const seen = [a, b, c].map((path) => lstatSync(path, { bigint: true }));
  rmSync(a);
  rmSync(b);
  symlinkSync(c, b);
  const found = await Promise.allSettled([a, b, c].map((path, i) => ingestFile(ingest, path, seen[i] as (typeof seen)[0])));
  assert.deepEqual(
    found.map((result) => (result.status === 'rejected' ? (result.reason as { code?: string }).code : 'read')),
    ['ENOENT', 'ELOOP', 'read'],
  );
  assert.equal(ingest.failure, undefined);
});

test('a file that changed since it was seen is read as it is now, and its new state told', async (t) => {
  const scratch = makeScratch(t);
  await using store = new MemoryStore();
  await using ingest = new Ingest(store);
  for (const [before, after] of [
    [10, 20],
    [5000, 100],
    [100, 3_000_000],
    [3_000_000, 100],
    [2_000_000, 2_500_000],
  ] as const) {
    const path = scratch.path(`grows-${before}-${after}`);
    writeFileSync(path, makeContent(1, before));
    const seen = lstatSync(path, { bigint: true });
    writeFileSync(path, makeContent(2, after));
    const { block, stat, isStable } = await ingestFile(ingest, path, seen);
    assert.equal(formatBlock(block), await reference3(makeContent(2, after), store));
    assert.equal(stat?.size, BigInt(after));
    assert.equal(isStable, true);
  }
});

async function reference3(content: Buffer, store: MemoryStore): Promise<string> {
  await using ingest = new Ingest(store, { workers: 0 });
  return formatBlock(await ingest.bytes(content));
}

test('the signal ends an ingest, and what waits is rejected', async (t) => {
  const scratch = makeScratch(t);
  const path = scratch.path('large');
  writeFileSync(path, makeRandom(1).bytes(20_000_000));
  const controller = new AbortController();
  await using store = new MemoryStore();
  await using ingest = new Ingest(store, { signal: controller.signal });
  const work = ingestFile(ingest, path);
  controller.abort();
  await assert.rejects(work, { code: 'ECANCELLED' });
  await assert.rejects(ingest.bytes(new Uint8Array(100)), { code: 'ECANCELLED' });
});

test('a Store that fails fails the ingest with its error', async (t) => {
  const scratch = makeScratch(t);
  const path = scratch.path('large');
  writeFileSync(path, makeRandom(1).bytes(20_000_000));
  const small = scratch.path('small' as Octets);
  writeFileSync(small, makeRandom(2).bytes(10_000));
  await using store = new MemoryStore({ maxBytes: 1_000_000 });
  await using ingest = new Ingest(store, { workers: 1 });
  const work = [path, small].map((file) => ingestFile(ingest, file));
  const [large] = await Promise.allSettled(work);
  assert.equal(large?.status, 'rejected');
  assert.notEqual(ingest.failure, undefined);
  await assert.rejects(ingestFile(ingest, small));
});
