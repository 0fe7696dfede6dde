import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { openArchiveFile } from '../../../core/archive/archive-file.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { PendingBlocks } from '../../../core/block/block-sink.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import { BlockTreeBuilder } from '../../../core/block/tree-builder.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import type { Datadir } from '../../../core/datadir/datadir-store.ts';
import type { Location } from '../../../core/datadir/index/index-types.ts';
import { type Finding, isFault } from '../../../core/maintain/findings.ts';
import { fsck } from '../../../core/maintain/fsck.ts';
import { gc } from '../../../core/maintain/gc.ts';
import { dropInPlace } from '../../../core/maintain/gc-tight.ts';
import { repair } from '../../../core/maintain/repair.ts';
import { scrub } from '../../../core/maintain/scrub.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { newStorePath } from '../datadir/store-folder.ts';

// What looks after a Store, over one whose Blocks lie in frames.

const GC = { graceMs: 0, plan: false, now: () => new Date(Date.now() + 10_000) };
const SCRUB = { nowSeconds: () => 1, monotonicMs: () => 0 };

/** Blocks of text, no two alike: they come into frames of sixteen or so. */
const BLOCKS: readonly Buffer[] = Array.from({ length: 48 }, (_, i) => Buffer.from(`${i} words, and ${i * 7} more of them; `.repeat(260)));

/** A Store whose one root needs some of the Blocks. */
async function makeStore(isNeeded: (i: number) => boolean): Promise<{ readonly store: Datadir; readonly path: string }> {
  const path = newStorePath();
  await using store = await openDatadir(path, { create: true, compression: 'zstd' });
  await store.addBatch(BLOCKS.map((data) => ({ digest: hashcodeOf('sha3-256', data).digest, data })));
  const pending = new PendingBlocks(store.hashName);
  const builder = new BlockTreeBuilder(pending);
  for (const [i, data] of BLOCKS.entries())
    if (isNeeded(i)) builder.add({ kind: 'hash', span: data.length, hashcode: hashcodeOf('sha3-256', data) });
  const block = builder.finish();
  await pending.flushTo(store);
  const tree = openLiveTree(store, undefined);
  await tree.bind('/file' as TreePath, { kind: 'file', name: '' as Octets, meta: {}, block });
  const dirent = await tree.sync({});
  await openArchiveFile(store.archivePath('default')).append(() => Promise.resolve({ whenNs: 1n, dirent }));
  await store[Symbol.asyncDispose]();
  return { store: await openDatadir(path), path };
}

async function faultsOf(store: Datadir): Promise<Finding[]> {
  const found: Finding[] = [];
  await fsck(store, { onFinding: (finding) => void (isFault(finding) && found.push(finding)) });
  return found;
}

async function have(store: Datadir): Promise<number[]> {
  const found: number[] = [];
  for (const [i, data] of BLOCKS.entries()) {
    const got = await store.get(hashcodeOf('sha3-256', data));
    if (got === undefined) continue;
    assert.deepEqual(Buffer.from(got), data);
    found.push(i);
  }
  return found;
}

/** Where a Block lies, which is in a frame. */
async function located(store: Datadir, data: Buffer): Promise<readonly [Uint8Array, Location]> {
  const { digest } = hashcodeOf('sha3-256', data);
  const { index } = store.internals();
  await index.ready();
  const location = index.get(digest);
  assert.ok(location?.codec === 'part');
  return [digest, location];
}

function dataFiles(path: string): string[] {
  return readdirSync(join(path, 'data')).map((name) => join(path, 'data', name));
}

function sizeOf(path: string): number {
  return dataFiles(path).reduce((sum, file) => sum + statSync(file).size, 0);
}

it('gc copies nothing of a Store in frames that is needed', async () => {
  const { store, path } = await makeStore(() => true);
  await using _ = store;
  const before = dataFiles(path);
  const done = await gc(store, GC);
  assert.deepEqual([done.freedBlocks, done.copiedBytes, done.droppedFiles], [0, 0, 0]);
  assert.deepEqual(dataFiles(path), before);
});

it('gc frees what nobody needs of frames, and puts what stays into others', async () => {
  const { store, path } = await makeStore((i) => i % 3 === 0);
  await using _ = store;
  const before = sizeOf(path);
  const plan = await gc(store, { ...GC, plan: true });
  const done = await gc(store, GC);
  assert.deepEqual([plan.freedBlocks, done.freedBlocks], [32, 32]);
  assert.ok(sizeOf(path) < 0.75 * before, `${sizeOf(path)} of ${before}`);
  assert.ok(done.freedBytes > 0.25 * before && done.freedBytes < before);
  const needed = BLOCKS.flatMap((_block, i) => (i % 3 === 0 ? [i] : []));
  assert.deepEqual(await have(store), needed);
  assert.deepEqual(await faultsOf(store), []);
  await store[Symbol.asyncDispose]();
  rmSync(join(path, 'index'), { recursive: true });
  await using again = await openDatadir(path, { onNotice: (notice) => assert.match(notice, /it is missing/) });
  assert.deepEqual(await have(again), needed);
});

it('what is freed where it lies leaves no Block without its frame, in whatever order it goes', async () => {
  const { store, path } = await makeStore(() => true);
  await using _ = store;
  const entries: (readonly [Uint8Array, Location])[] = [];
  for (const data of BLOCKS) entries.push(await located(store, data));
  const left = new Set(BLOCKS.keys());
  const all = [...BLOCKS.keys()];
  for (const going of [all.filter((i) => i % 2 === 1), [0, 2, 4], all.filter((i) => i % 2 === 0 && i > 4)]) {
    const [file = ''] = readdirSync(join(path, 'data'));
    dropInPlace(
      store,
      file,
      going.flatMap((i) => entries.slice(i, i + 1)),
    );
    for (const i of going) left.delete(i);
    assert.deepEqual(await have(store), [...left]);
  }
  await store[Symbol.asyncDispose]();
  rmSync(join(path, 'index'), { recursive: true });
  await using again = await openDatadir(path, { onNotice: (notice) => assert.match(notice, /it is missing/) });
  assert.deepEqual(await have(again), []);
});

it('one flipped bit in a frame harms the Blocks in it: scrub tells, and repair turns it back', async () => {
  const { store, path } = await makeStore(() => true);
  await using _ = store;
  const [, location] = await located(store, BLOCKS[0] ?? Buffer.alloc(0));
  const [file = ''] = dataFiles(path);
  const data = readFileSync(file);
  // The frame ends where the header of its first record begins.
  const at = location.offset - 24 - 32 - 100;
  data[at] = (data[at] ?? 0) ^ 4;
  writeFileSync(file, data);
  const found: Finding[] = [];
  const scrubbed = await scrub(store, { ...SCRUB, onFinding: (finding) => found.push(finding) });
  assert.ok(scrubbed.damagedBlocks > 8 && scrubbed.damagedBlocks < BLOCKS.length, `${scrubbed.damagedBlocks} damaged`);
  assert.ok(found.some(({ kind }) => kind === 'harm'));
  const counts = await repair(store, {
    sources: [],
    files: [],
    onFinding: (finding) => assert.fail(JSON.stringify(finding)),
    onRepaired: () => undefined,
    onFailure: (_where, error) => assert.fail(String(error)),
  });
  assert.deepEqual([counts.repaired, counts.missing], [scrubbed.damagedBlocks, 0]);
  assert.equal((await have(store)).length, BLOCKS.length);
});
