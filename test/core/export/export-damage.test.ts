import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import { hashcodeLabel, hashcodeOf } from '../../../core/block/hashcode.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { readDir } from '../../../core/dirent/dir-codec.ts';
import { exportDirent } from '../../../core/export/export.ts';
import { previewExport } from '../../../core/export/export-preview.ts';
import type { ExportFailure } from '../../../core/export/export-report.ts';
import type { BlockLocation } from '../../../core/store/block-location.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import type { Store } from '../../../core/store/store.ts';
import { rsyncDifferences } from '../../support/rsync/rsync.ts';
import { makeScratch } from '../../support/scratch.ts';
import { storeTree } from '../../support/trees/store-tree.ts';

const o = (path: string): Octets => Buffer.from(path).toString('latin1') as Octets;
const LEAF = 16 * 1024;

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .sort();
}

for (const workers of [0, 2]) {
  test(`a flipped octet in the Store costs the files that it harms, each named with the hashcode, and no others (${workers} workers)`, async (t: TestContext) => {
    const scratch = makeScratch(t);
    const source = scratch.mkdir('source');
    const small = randomBytes(5000);
    const large = randomBytes(6 << 20);
    writeFileSync(join(source, 'small'), small);
    writeFileSync(join(source, 'large'), large);
    writeFileSync(join(source, 'linked'), small);
    linkSync(join(source, 'linked'), join(source, 'linked too'));
    writeFileSync(join(source, 'whole'), randomBytes(5000));
    await using store = await openDatadir(scratch.path('store'), { create: true });
    const dirent = await storeTree(store, source);
    const data = scratch.path(`store/data/${readdirSync(scratch.path('store/data'))[0]}`);
    const stored = readFileSync(data);
    for (const block of [small, large.subarray(LEAF * 300, LEAF * 301)]) {
      const at = stored.indexOf(block);
      stored[at + 77] = (stored[at + 77] ?? 0) ^ 1;
    }
    chmodSync(data, 0o600);
    writeFileSync(data, stored);

    const failures: ExportFailure[] = [];
    const counts = await exportDirent(store, dirent, o(scratch.path('target')), {
      workers,
      onFailure: (failure) => failures.push(failure),
    });
    assert.deepEqual(failures.map(({ path }) => path).sort(), ['large', 'linked', 'linked too', 'small']);
    assert.equal(counts.damaged, 4);
    assert.deepEqual(filesBelow(scratch.path('target')), ['whole']);
    const label = hashcodeLabel(hashcodeOf(store.hashName, large.subarray(LEAF * 300, LEAF * 301)));
    assert.ok(failures.find(({ path }) => path === 'large')?.error.message.includes(label), String(failures[0]?.error));
  });
}

test('a missing Block costs the files that it harms, and a missing Dir what is in it', async (t: TestContext) => {
  const scratch = makeScratch(t);
  const source = scratch.mkdir('source');
  const content = randomBytes(5000);
  writeFileSync(join(source, 'harmed'), content);
  writeFileSync(join(source, 'whole'), randomBytes(5000));
  mkdirSync(join(source, 'lost'));
  writeFileSync(join(source, 'lost/file'), randomBytes(5000));
  const whole = new MemoryStore();
  const dirent = await storeTree(whole, source);
  const missing = [hashcodeLabel(hashcodeOf(whole.hashName, content))];
  if (dirent.kind === 'dir')
    for await (const { name, ...entry } of readDir(whole, dirent.block))
      if (name === 'lost' && entry.kind === 'dir' && entry.block.kind === 'hash') missing.push(hashcodeLabel(entry.block.hashcode));
  assert.equal(missing.length, 2);
  const store: Store = Object.create(whole, {
    get: {
      value: async (hashcode: Parameters<Store['get']>[0]) =>
        missing.includes(hashcodeLabel(hashcode)) ? undefined : await whole.get(hashcode),
    },
  }) as Store;
  const failures: ExportFailure[] = [];
  const counts = await exportDirent(store, dirent, o(scratch.path('target')), { onFailure: (failure) => failures.push(failure) });
  assert.deepEqual(failures.map(({ path }) => path).sort(), ['harmed', 'lost']);
  assert.ok(failures.every(({ isDamage }) => isDamage));
  assert.equal(counts.damaged, 2);
  assert.deepEqual(filesBelow(scratch.path('target')), ['whole']);
});

test('a location that no longer holds makes GET ask the Store itself', async (t: TestContext) => {
  const scratch = makeScratch(t);
  const source = scratch.mkdir('source');
  writeFileSync(join(source, 'small'), randomBytes(5000));
  writeFileSync(join(source, 'large'), randomBytes(6 << 20));
  const memory = new MemoryStore();
  const dirent = await storeTree(memory, source);
  writeFileSync(scratch.path('stale.vtd'), randomBytes(100_000));
  const stale = (digest: Uint8Array): BlockLocation => ({
    file: scratch.path('stale.vtd'),
    offset: digest[0] ?? 0,
    storedSize: 5000,
    size: digest[1] === 7 ? 5000 : LEAF,
    codec: 'none',
  });
  const store = Object.create(memory, {
    get: { value: memory.get.bind(memory) },
    offers: { value: { location: { locate: (digests: Uint8Array[]) => digests.map(stale) } } },
  }) as Store;
  const counts = await exportDirent(store, dirent, o(scratch.path('target')), { workers: 2 });
  assert.equal(counts.failures, 0);
  assert.equal(await rsyncDifferences(source, scratch.path('target')), '');
});

test('GET goes on where an earlier one was interrupted, writing only what is not complete', async (t: TestContext) => {
  const scratch = makeScratch(t);
  const source = scratch.mkdir('source/sub');
  for (let i = 0; i < 50; i++) writeFileSync(join(source, `file${i}`), randomBytes(2000));
  linkSync(join(source, 'file7'), join(source, 'zz'));
  linkSync(join(source, 'file8'), join(source, 'aa'));
  symlinkSync('file1', join(source, 'link'));
  execFileSync('mkfifo', [join(source, 'fifo')]);
  await using store = await openDatadir(scratch.path('store'), { create: true });
  const dirent = await storeTree(store, scratch.path('source'));
  const target = scratch.path('target');
  await exportDirent(store, dirent, o(target));
  const inode = (name: string): bigint => statSync(join(target, 'sub', name), { bigint: true }).ino;
  const kept = inode('file3');
  rmSync(join(target, 'sub/file1'));
  writeFileSync(join(target, 'sub/file2'), randomBytes(2000));
  utimesSync(join(target, 'sub/file4'), 1, 1);
  rmSync(join(target, 'sub/zz'));
  rmSync(join(target, 'sub/aa'));
  const previewed = [];
  for await (const effect of previewExport(store, dirent, o(target), { resume: true }))
    if (effect.action !== 'skip' && effect.action !== 'enter') previewed.push(effect);
  assert.deepEqual(previewed.map(({ local, action }) => [local.slice(target.length + 5), action]).sort(), [
    ['aa', 'make'],
    ['file1', 'make'],
    ['file2', 'replace'],
    ['file4', 'replace'],
    ['zz', 'make'],
  ]);
  const counts = await exportDirent(store, dirent, o(target), { resume: true });
  assert.equal(counts.files, 4, 'file1, file2, file4, and aa, the first name of a node');
  assert.equal(counts.links, 2);
  assert.equal(inode('file3'), kept);
  assert.equal(await rsyncDifferences(scratch.path('source'), target), '');
});

test('a cancelled GET leaves no half file and no temporary name, and says that it was cancelled', async (t: TestContext) => {
  const scratch = makeScratch(t);
  const source = scratch.mkdir('source');
  writeFileSync(join(source, 'a'), randomBytes(1000));
  writeFileSync(join(source, 'b'), randomBytes(30 << 20));
  await using store = await openDatadir(scratch.path('store'), { create: true });
  const dirent = await storeTree(store, source);
  const controller = new AbortController();
  const done = exportDirent(store, dirent, o(scratch.path('target')), { signal: controller.signal, onProgress: () => controller.abort() });
  await assert.rejects(done, { code: 'ECANCELLED' });
  assert.ok(!existsSync(scratch.path('target/b')));
  assert.deepEqual(
    readdirSync(scratch.path('target')).filter((name) => name.startsWith('.vtftp')),
    [],
  );
});
