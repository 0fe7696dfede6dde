import assert from 'node:assert/strict';
import fs, { mkdirSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { it } from 'node:test';
import { openArchiveFile } from '../../../core/archive/archive-file.ts';
import { VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { PendingBlocks } from '../../../core/block/block-sink.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import { BlockTreeBuilder } from '../../../core/block/tree-builder.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import type { Datadir } from '../../../core/datadir/datadir-store.ts';
import { liveWriters } from '../../../core/datadir/writer-presence.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { importLocal } from '../../../core/import/import.ts';
import { type Finding, isFault } from '../../../core/maintain/findings.ts';
import { fsck } from '../../../core/maintain/fsck.ts';
import { gc } from '../../../core/maintain/gc.ts';
import { withMaintenanceLock } from '../../../core/maintain/lock.ts';
import { repair } from '../../../core/maintain/repair.ts';
import { scrub } from '../../../core/maintain/scrub.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { makeRandom } from '../../support/random.ts';
import { newStorePath } from '../datadir/store-folder.ts';

const CONTENT = makeRandom(1).bytes(60_000);

// A Store with one recorded root: /dir/file of several Blocks, and /dir/same, which shares them.
async function makeStore(path = newStorePath()): Promise<{ datadir: Datadir; path: string; root: Dirent }> {
  const datadir = await openDatadir(path, { create: true });
  const root = await record(datadir, [CONTENT, CONTENT]);
  return { datadir, path, root };
}

async function record(datadir: Datadir, contents: readonly Uint8Array[]): Promise<Dirent> {
  const tree = openLiveTree(datadir, undefined);
  await tree.mkdir('/dir' as TreePath, {});
  for (const [i, content] of contents.entries()) {
    const blocks = [];
    for (let at = 0; at < content.length; at += 8000) {
      const part = content.subarray(at, at + 8000);
      const { hashcode } = await datadir.add(part);
      blocks.push({ kind: 'hash' as const, span: part.length, hashcode });
    }
    const pending = new PendingBlocks(datadir.hashName);
    const builder = new BlockTreeBuilder(pending);
    for (const block of blocks) builder.add(block);
    const block = builder.finish();
    await pending.flushTo(datadir);
    await tree.bind(`/dir/file-${i}` as TreePath, { kind: 'file', name: '' as Octets, meta: {}, block });
  }
  const root = await tree.sync({});
  await openArchiveFile(datadir.archivePath('default')).append(() => Promise.resolve({ whenNs: 1n, dirent: root }));
  return root;
}

async function faultsOf(datadir: Datadir): Promise<Finding[]> {
  const found: Finding[] = [];
  await fsck(datadir, { onFinding: (finding) => void (isFault(finding) && found.push(finding)) });
  return found;
}

function dataFiles(path: string): string[] {
  return readdirSync(join(path, 'data')).map((name) => join(path, 'data', name));
}

function harm(path: string, at: number, change: (octet: number) => number, count: number): void {
  for (const file of dataFiles(path)) {
    const data = readFileSync(file);
    const found = data.indexOf(CONTENT.subarray(at, at + 32));
    if (found < 0) continue;
    for (let i = 0; i < count; i++) data[found + i] = change(data[found + i] ?? 0);
    writeFileSync(file, data);
  }
}

const GC = { graceMs: 0, plan: false, now: () => new Date(Date.now() + 10_000) };

it('fsck of a Store that is whole finds nothing, and counts what there is', async () => {
  const { datadir } = await makeStore();
  await using _ = datadir;
  const counts = await fsck(datadir, { onFinding: (finding) => assert.fail(JSON.stringify(finding)) });
  assert.equal(counts.roots, 1);
  assert.equal(counts.records, counts.indexed);
  assert.ok(counts.entries >= 3);
});

it('scrub finds damaged octets, and names every path that they harm; fsck then knows them', async () => {
  const { datadir, path } = await makeStore();
  await using _ = datadir;
  harm(path, 20_000, () => 0x55, 4);
  assert.deepEqual(await faultsOf(datadir), []);
  const found: Finding[] = [];
  const counts = await scrub(datadir, {
    onFinding: (finding) => void (isFault(finding) && found.push(finding)),
    nowSeconds: () => 1000,
    monotonicMs: () => 0,
  });
  assert.equal(counts.damagedBlocks, 1);
  const paths = (findings: readonly Finding[]): string[] => findings.flatMap((finding) => (finding.kind === 'harm' ? [finding.path] : []));
  assert.deepEqual(paths(found), ['/dir/file-0', '/dir/file-1']);
  assert.deepEqual(paths(await faultsOf(datadir)), ['/dir/file-0', '/dir/file-1']);
});

it('scrub by shares comes round to everything, and remembers', async () => {
  const { datadir, path } = await makeStore();
  await using _ = datadir;
  const options = { onFinding: () => undefined, monotonicMs: () => 0 };
  const first = await scrub(datadir, { ...options, nowSeconds: () => 1000 });
  assert.equal(first.neverBytes, 0);
  assert.equal(first.oldest, 1000);
  assert.equal((await scrub(datadir, { ...options, nowSeconds: () => 9000, budgetMs: 0 })).bytes, 0);
  rmSync(join(path, 'scrubbed'));
  assert.ok((await scrub(datadir, { ...options, nowSeconds: () => 9000, budgetMs: 0 })).neverBytes > 0);
});

it('a Block that only the index finds, as its record has a damaged header, is stored anew by scrub', async () => {
  const { datadir, path } = await makeStore();
  harm(path, 16_000, (octet) => octet, 0);
  for (const file of dataFiles(path)) {
    const data = readFileSync(file);
    const found = data.indexOf(CONTENT.subarray(16_000, 16_032));
    data[found - 40] = 0xff;
    writeFileSync(file, data);
  }
  const counts = await scrub(datadir, { onFinding: () => undefined, nowSeconds: () => 1, monotonicMs: () => 0 });
  assert.deepEqual([counts.salvagedBlocks, counts.damagedBlocks], [1, 0]);
  await datadir[Symbol.asyncDispose]();
  rmSync(join(path, 'index'), { recursive: true });
  await using again = await openDatadir(path);
  assert.deepEqual(await faultsOf(again), []);
});

it('repair takes Blocks from its own record but for one bit, and from another Store, and says what is still missing', async () => {
  const { datadir, path } = await makeStore();
  await using _ = datadir;
  harm(path, 4000, (octet) => octet ^ 0x10, 1);
  harm(path, 20_000, () => 0x55, 4);
  harm(path, 44_000, () => 0x55, 4);
  const scrubbed = { onFinding: () => undefined, nowSeconds: () => 1, monotonicMs: () => 0 };
  assert.equal((await scrub(datadir, scrubbed)).damagedBlocks, 3);
  await using other = new MemoryStore({ hashName: datadir.hashName });
  await other.add(CONTENT.subarray(16_000, 24_000));
  const from: string[] = [];
  const options = {
    files: [],
    onFinding: () => undefined,
    onRepaired: (_hashcode: unknown, where: string) => void from.push(where),
    onFailure: (where: string, error: unknown) => assert.fail(`${where}: ${String(error)}`),
  };
  const first = await repair(datadir, { ...options, sources: [other] });
  assert.deepEqual([first.repaired, first.missing], [2, 1]);
  assert.ok(from.some((where) => where.includes('one bit')));
  await other.add(CONTENT.subarray(40_000, 48_000));
  const second = await repair(datadir, { ...options, sources: [other] });
  assert.deepEqual([second.repaired, second.missing], [1, 0]);
  assert.deepEqual(await faultsOf(datadir), []);
});

it('repair cuts local files that still hold the data', async () => {
  const path = newStorePath();
  const file = `${path}-source` as Octets;
  writeFileSync(file, CONTENT);
  await using datadir = await openDatadir(path, { create: true });
  const { dirent } = await importLocal(datadir, file, { workers: 0 });
  const tree = openLiveTree(datadir, undefined);
  await tree.bind('/file' as TreePath, { ...dirent, name: '' as Octets });
  const root = await tree.sync({});
  await openArchiveFile(datadir.archivePath('default')).append(() => Promise.resolve({ whenNs: 1n, dirent: root }));
  harm(path, 20_000, () => 0x55, 4);
  await scrub(datadir, { onFinding: () => undefined, nowSeconds: () => 1, monotonicMs: () => 0 });
  const counts = await repair(datadir, {
    sources: [],
    files: [file],
    onFinding: () => undefined,
    onRepaired: () => undefined,
    onFailure: () => assert.fail(),
  });
  assert.deepEqual([counts.repaired, counts.missing], [1, 0]);
  unlinkSync(file);
});

it('gc frees what no root needs, tells it beforehand under plan, and keeps every root whole', async () => {
  const { datadir, path } = await makeStore();
  await using _ = datadir;
  await datadir[Symbol.asyncDispose]();
  await using junk = await openDatadir(path);
  for (let i = 0; i < 20; i++) await junk.add(makeRandom(100 + i).bytes(9000));
  await junk[Symbol.asyncDispose]();
  await using store = await openDatadir(path);
  const before = dataFiles(path).reduce((sum, file) => sum + statSync(file).size, 0);
  const plan = await gc(store, { ...GC, plan: true });
  assert.equal(plan.freedBlocks, 20);
  assert.equal(
    dataFiles(path).reduce((sum, file) => sum + statSync(file).size, 0),
    before,
  );
  const done = await gc(store, GC);
  assert.deepEqual([done.freedBlocks, done.keptBlocks, done.sessions], [20, 0, 0]);
  assert.ok(dataFiles(path).reduce((sum, file) => sum + statSync(file).size, 0) < before - 20 * 9000);
  assert.deepEqual(await faultsOf(store), []);
  assert.equal((await store.add(makeRandom(100).bytes(9000))).isNew, true, 'what is gone counts as gone in the session too');
});

it('gc leaves files alone that were written to within the grace period', async () => {
  const { datadir, path } = await makeStore();
  await datadir.add(makeRandom(5).bytes(30_000));
  await datadir[Symbol.asyncDispose]();
  await using store = await openDatadir(path);
  assert.equal((await gc(store, { ...GC, graceMs: 3_600_000 })).freedBlocks, 0);
  for (const file of dataFiles(path)) utimesSync(file, new Date(0), new Date(0));
  assert.equal((await gc(store, { ...GC, graceMs: 3_600_000 })).freedBlocks, 1);
});

it('what a session at work counts on stays until it ends, though it never added it; then gc frees what it did not record', async () => {
  const { datadir, path } = await makeStore();
  const block = makeRandom(7).bytes(7000);
  await datadir.add(block);
  await datadir.add(makeRandom(8).bytes(30_000));
  await datadir[Symbol.asyncDispose]();
  const session = await openDatadir(path);
  // It has the Block already: nothing is written, and no root names it yet.
  assert.equal((await session.add(block)).isNew, false);
  await using store = await openDatadir(path);
  const first = await gc(store, GC);
  assert.deepEqual([first.freedBlocks, first.sessions], [0, 1]);
  await record(session, [block]);
  await session[Symbol.asyncDispose]();
  const second = await gc(store, GC);
  assert.deepEqual([second.freedBlocks, second.sessions], [1, 0]);
  assert.deepEqual(await faultsOf(store), []);
});

it('what an earlier gc set aside goes while sessions are at work that began since', async () => {
  const { datadir, path } = await makeStore();
  await datadir.add(makeRandom(9).bytes(30_000));
  await datadir[Symbol.asyncDispose]();
  const old = await openDatadir(path);
  assert.equal((await old.add(makeRandom(9).bytes(30_000))).isNew, false);
  await using store = await openDatadir(path);
  assert.equal((await gc(store, GC)).freedBlocks, 0);
  const young = await openDatadir(path);
  const hashcode = hashcodeOf(young.hashName, makeRandom(9).bytes(30_000));
  assert.deepEqual(await young.has([hashcode]), [false], 'set aside, so absent when it is asked for');
  assert.ok(await young.get(hashcode), 'and readable');
  await old[Symbol.asyncDispose]();
  const counts = await gc(store, GC);
  assert.deepEqual([counts.freedBlocks, counts.sessions], [1, 1]);
  assert.deepEqual(await faultsOf(store), []);
  assert.equal((await young.add(makeRandom(9).bytes(30_000))).isNew, true);
  assert.ok(await young.get(hashcode));
  await young[Symbol.asyncDispose]();
});

it('readers go on while gc moves what they read', async () => {
  const { datadir, path } = await makeStore();
  for (let i = 0; i < 10; i++) await datadir.add(makeRandom(200 + i).bytes(9000));
  await datadir[Symbol.asyncDispose]();
  await using reader = await openDatadir(path);
  const hashcode = hashcodeOf(reader.hashName, CONTENT.subarray(0, 8000));
  assert.ok(await reader.get(hashcode));
  await using store = await openDatadir(path);
  assert.equal((await gc(store, GC)).freedBlocks, 10);
  assert.ok(await reader.get(hashcode));
  assert.ok(await reader.get(hashcodeOf(reader.hashName, CONTENT.subarray(8000, 16_000))));
});

it('gc removes nothing where a line of an archive is damaged, or what leads to Blocks is missing', async () => {
  const { datadir, path } = await makeStore();
  await datadir.add(makeRandom(9).bytes(30_000));
  await datadir[Symbol.asyncDispose]();
  const archive = join(path, 'archives', 'default.vt');
  const text = readFileSync(archive, 'latin1');
  writeFileSync(archive, `${text}${text.replace('block', 'blick')}`);
  await using store = await openDatadir(path);
  await assert.rejects(gc(store, GC), (error) => error instanceof VtError && error.code === 'ECORRUPT' && /line 2/.test(error.message));
  writeFileSync(archive, text.replace(/sha3-256:..../, 'sha3-256:0000').replace(/ !crc32.*/, ''));
  await assert.rejects(gc(store, GC), (error) => error instanceof VtError && error.code === 'ECORRUPT');
});

it('one looks after a Store at a time, and a dead one leaves the lock free', async () => {
  const { datadir, path } = await makeStore();
  await datadir[Symbol.asyncDispose]();
  await withMaintenanceLock(path, datadir.access, true, async () => {
    await assert.rejects(
      withMaintenanceLock(path, datadir.access, true, () => Promise.resolve()),
      (error) => error instanceof VtError && error.code === 'ELOCKED',
    );
  });
  await withMaintenanceLock(path, datadir.access, true, () => Promise.resolve());
});

it('sessions that write are listed as long as they live, and the files of dead ones are removed', async () => {
  const { datadir, path } = await makeStore();
  assert.equal(liveWriters(path).length, 1);
  assert.equal(liveWriters(path, datadir.internals().ownWriter).length, 0);
  await datadir[Symbol.asyncDispose]();
  assert.deepEqual(readdirSync(join(path, 'writers')), []);
  writeFileSync(join(path, 'writers', 'dead'), '0\n');
  assert.deepEqual(liveWriters(path), []);
  assert.deepEqual(readdirSync(join(path, 'writers')), []);
});

it('a Store that is strict has every batch durable and indexed before it is acknowledged; others gather', async () => {
  const batching = async (durability: 'strict' | 'batch' | 'none'): Promise<number> => {
    await using datadir = await openDatadir(newStorePath(), { create: true, durability: () => durability });
    for (let i = 0; i < 3; i++) await datadir.add(Buffer.from(`${i}`));
    assert.equal(datadir.durability, durability);
    return datadir.indexBatching().transactions;
  };
  assert.equal(await batching('strict'), 3);
  assert.equal(await batching('batch'), 0);
  assert.equal(await batching('none'), 0);
});

/** The first call of a function of node:fs that `isIt` accepts fails with `code`. @returns how many failed, and undoes it */
function failOnce(t: TestContext, name: 'openSync' | 'fsyncSync', code: string, isIt: (first: unknown) => boolean): () => number {
  const real = fs[name] as (...args: unknown[]) => unknown;
  let failures = 0;
  const failing = t.mock.method(fs, name, ((...args: unknown[]) => {
    if (failures > 0 || !isIt(args[0])) return real(...args);
    failures++;
    throw Object.assign(new Error(`${code}: failed`), { code });
  }) as never);
  syncBuiltinESMExports();
  return () => {
    failing.mock.restore();
    syncBuiltinESMExports();
    return failures;
  };
}

it('gc frees nothing that is needed where the index cannot be opened for a moment', async (t) => {
  const { datadir, path } = await makeStore();
  await datadir[Symbol.asyncDispose]();
  await using store = await openDatadir(path);
  const restore = failOnce(t, 'openSync', 'ENOSPC', (name) => String(name).endsWith('/index/head'));
  try {
    await gc(store, GC).catch((error: unknown) => assert.ok(error instanceof Error));
  } finally {
    assert.equal(restore(), 1);
  }
  await using again = await openDatadir(path);
  assert.deepEqual(await faultsOf(again), []);
});

it('an index that is damaged and cannot be made anew for a moment is made anew at the next call', async (t) => {
  const { datadir, path, root } = await makeStore();
  await datadir[Symbol.asyncDispose]();
  writeFileSync(join(path, 'index', 'head'), 'damaged');
  await using store = await openDatadir(path);
  assert.ok(root.kind === 'dir' && root.block.kind === 'hash');
  const restore = failOnce(t, 'openSync', 'EMFILE', (name) => String(name).endsWith('/index.lock'));
  try {
    await assert.rejects(store.get(root.block.hashcode), /make index/);
  } finally {
    assert.equal(restore(), 1);
  }
  assert.ok((await store.get(root.block.hashcode)) !== undefined);
  assert.match(readFileSync(join(path, 'index', 'head'), 'latin1'), /^vtftp-index /);
});

it('gc lets not everything go where no archive has a root, unless it is told to', async () => {
  const { datadir, path } = await makeStore();
  await datadir[Symbol.asyncDispose]();
  await using store = await openDatadir(path);
  const archive = join(path, 'archives', 'default.vt');
  const lines = readFileSync(archive);
  for (const lose of [() => writeFileSync(archive, ''), () => rmSync(archive), () => rmSync(join(path, 'archives'), { recursive: true })]) {
    lose();
    for (const plan of [false, true]) await assert.rejects(gc(store, { ...GC, plan }), /no archive has a root/);
    // Within the grace period nothing would go.
    assert.equal((await gc(store, { ...GC, graceMs: 1e9 })).freedBlocks, 0);
  }
  mkdirSync(join(path, 'archives'));
  writeFileSync(archive, lines);
  assert.deepEqual(await faultsOf(store), []);
  rmSync(archive);
  const counts = await gc(store, { ...GC, rootless: true });
  assert.ok(counts.freedBlocks > 0 && counts.liveBlocks === 0);
});

it('gc leaves a data file alone that the index has not seen to its end', async () => {
  const { datadir, path } = await makeStore();
  await using store = datadir;
  // One of another hash function is passed over when the index looks for Blocks.
  const other = newStorePath();
  const foreign = await openDatadir(other, { create: true, hashName: 'sha256' });
  await foreign.add(CONTENT.subarray(0, 5000));
  await foreign[Symbol.asyncDispose]();
  const [from = ''] = dataFiles(other);
  const to = join(path, 'data', 'foreign.vtd');
  writeFileSync(to, readFileSync(from));
  const counts = await gc(store, GC);
  assert.equal(counts.droppedFiles, 0);
  assert.deepEqual(readFileSync(to), readFileSync(from));
  assert.equal((await gc(store, { ...GC, plan: true })).droppedFiles, 0);
});

it('fsck tells of Blocks that a gc which was broken off had let go of, and takes them for no fault unless a root needs them', async () => {
  const { datadir, path, root } = await makeStore();
  const { hashcode } = await datadir.add(makeRandom(77).bytes(5000));
  await datadir.flush();
  const { index } = datadir.internals();
  const forget = (digest: Uint8Array): void => {
    const from = index.get(digest);
    assert.ok(from !== undefined);
    index.rewrite([{ digest, from, to: undefined }], new Map());
  };
  forget(hashcode.digest);
  const findings: Finding[] = [];
  await fsck(datadir, { onFinding: (finding) => void findings.push(finding) });
  assert.deepEqual(findings, [{ kind: 'dropped', count: 1 }]);
  assert.ok(!findings.some(isFault));

  assert.ok(root.kind === 'dir' && root.block.kind === 'hash', `${path}: the root is a Block`);
  forget(root.block.hashcode.digest);
  findings.length = 0;
  await fsck(datadir, { onFinding: (finding) => void findings.push(finding) });
  assert.deepEqual(
    findings.map(({ kind }) => kind),
    ['harm', 'index'],
  );
  await datadir[Symbol.asyncDispose]();
});
