import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Octets } from '../../../core/base/octets.ts';
import { setXattr } from '../../../core/base/system/libc.ts';
import { readDir } from '../../../core/dirent/dir-codec.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { formatDirent } from '../../../core/dirent/dirent-text.ts';
import type { Imported } from '../../../core/import/import.ts';
import { importLocal } from '../../../core/import/import.ts';
import type { ImportOptions } from '../../../core/import/import-options.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import type { Store } from '../../../core/store/store.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';
import { makeTree, octets } from '../../support/trees/make-tree.ts';
import { outlive } from '../../support/trees/outlive.ts';

/** Imports, and fails for whatever fails. */
async function put(store: Store, path: string, options: ImportOptions = {}): Promise<Imported> {
  const imported = await importLocal(store, path as Octets, {
    onFailure: (failed, error) => assert.fail(`${failed}: ${String(error)}`),
    ...options,
  });
  await store.flush();
  return imported;
}

async function entriesOf(store: Store, dirent: Dirent): Promise<Map<string, Dirent>> {
  const entries = new Map<string, Dirent>();
  if (dirent.kind === 'dir') for await (const entry of readDir(store, dirent.block)) entries.set(entry.name, entry);
  return entries;
}

/** Octets that this process has read from files so far. */
function octetsRead(): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'latin1'))?.[1]);
}

test('a second import of an unchanged tree reads no file, and gives the same Dirref', async (t) => {
  const source = makeScratch(t).path('tree');
  makeTree(source, { files: 600, seed: 11 });
  await outlive(source);
  await using store = new MemoryStore();
  const first = await put(store, source);
  assert.equal(first.counts.unchangedFiles, 0);
  const before = octetsRead();
  const second = await put(store, source);
  const read = octetsRead() - before;
  assert.equal(formatDirent(second.dirent), formatDirent(first.dirent));
  assert.equal(second.counts.unchangedFiles, second.counts.files);
  assert.equal(second.counts.unchangedBytes, first.counts.bytes);
  assert.equal(second.counts.newBlocks, 0);
  assert.ok(read < 20_000, `${read} octets were read`);
  const third = await put(store, source, { reread: true });
  assert.equal(formatDirent(third.dirent), formatDirent(first.dirent));
  assert.equal(third.counts.unchangedFiles, 0);
});

test('an import with what is remembered gives what one without it gives, after any changes', async (t) => {
  const scratch = makeScratch(t);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(2 ** 31), async (seed) => {
      const random = makeRandom(seed);
      const source = scratch.path(`tree${run++}`);
      makeTree(source, { files: 40, seed, extras: random.chance(50) });
      await using store = new MemoryStore();
      await put(store, source);
      for (let round = 0; round < 4; round++) {
        if (random.chance(50)) await outlive(source);
        for (let edit = random.below(6); edit > 0; edit--) changeSomething(source, random);
        const remembered = await put(store, source);
        await using fresh = new MemoryStore();
        const plain = await put(fresh, source);
        assert.equal(formatDirent(remembered.dirent), formatDirent(plain.dirent), `round ${round}`);
      }
    }),
    { numRuns: 25, includeErrorInReport: true },
  );
});

/** Paths of everything below a directory, in octets. */
function namesBelow(source: string, dir: string): string[] {
  return readdirSync(octets(`${source}/${dir}`), 'latin1').flatMap((name) => {
    const path = dir === '' ? name : `${dir}/${name}`;
    return lstatSync(octets(`${source}/${path}`)).isDirectory() ? [path, ...namesBelow(source, path)] : [path];
  });
}

/** One edit of a tree: content, names, metadata, links. */
function changeSomething(source: string, random: ReturnType<typeof makeRandom>): void {
  const all = namesBelow(source, '');
  const [first = 'none'] = all;
  const kindOf = (name: string) => lstatSync(octets(`${source}/${name}`));
  const files = all.filter((name) => kindOf(name).isFile());
  const dirs = ['.', ...all.filter((name) => kindOf(name).isDirectory())];
  const file = octets(`${source}/${files.length === 0 ? first : files[random.below(files.length)]}`);
  const dir = `${source}/${dirs[random.below(dirs.length)]}`;
  const fresh = octets(`${dir}/new${random.below(1e9)}`);
  const edits: readonly (() => void)[] = [
    () => appendFileSync(file, 'more'),
    () => writeFileSync(fresh, random.bytes(random.below(50_000))),
    () => rmSync(file, { force: true }),
    () => renameSync(file, fresh),
    () => chmodSync(file, 0o600 + random.below(0o100)),
    () => linkSync(file, fresh),
    () => symlinkSync('target', fresh),
    () => mkdirSync(fresh),
    () => utimesSync(octets(dir), 1, random.below(1e9)),
  ];
  edits[random.below(edits.length)]?.();
}

test('hard links share one node of the inode table, whichever way they are met', async (t) => {
  const scratch = makeScratch(t);
  const source = scratch.mkdir('tree');
  scratch.mkdir('tree/below');
  writeFileSync(`${source}/a`, 'content of the linked file, beyond a literal');
  for (const name of ['b', 'below/c']) linkSync(`${source}/a`, `${source}/${name}`);
  symlinkSync('somewhere', `${source}/s1`);
  linkSync(`${source}/s1`, `${source}/s2`);
  linkSync(`${source}/below/c`, scratch.path('outside'));
  await using store = new MemoryStore();
  const { dirent } = await put(store, source);
  assert.ok(dirent.kind === 'dir' && dirent.inodes !== undefined);
  assert.equal(dirent.links, 5);
  const entries = await entriesOf(store, dirent);
  const below = entries.get('below');
  assert.ok(below?.kind === 'dir');
  assert.equal(below.links, 1);
  const c = (await entriesOf(store, below)).get('c');
  const uuids = [entries.get('a'), entries.get('b'), c].map((entry) => entry?.uuid);
  assert.deepEqual(new Set(uuids).size, 1);
  const nodes: Dirent[] = [];
  for await (const node of readDir(store, dirent.inodes)) nodes.push(node);
  const linked = nodes.find((node) => node.uuid === uuids[0]);
  assert.equal(linked?.kind, 'file');
  assert.equal(linked?.nlink, 3);
  assert.equal(linked?.name, uuids[0]);
  assert.equal(nodes.find((node) => node.kind === 'symlink')?.nlink, 2);
  await outlive(source);
  await put(store, source);
  // The tree elsewhere is the same tree.
  renameSync(source, scratch.path('moved'));
  const moved = await put(store, scratch.path('moved'));
  assert.equal(formatDirent({ ...moved.dirent, name: dirent.name }), formatDirent(dirent));
  // From another top, the first name of the node is another one, and its content has to be known there too. The other names are outside:
  // the directory is stored as one whose file has a single name.
  const part = await put(store, scratch.path('moved/below'));
  assert.ok(part.dirent.kind === 'dir');
  assert.deepEqual([part.dirent.inodes, part.dirent.links], [undefined, undefined]);
  assert.equal((await entriesOf(store, part.dirent)).get('c')?.kind, 'file');
});

test('a file, a symlink, a FIFO, a socket and an empty directory can be imported by themselves', async (t) => {
  const scratch = makeScratch(t);
  await using store = new MemoryStore();
  writeFileSync(scratch.path('file'), 'x'.repeat(100_000));
  setXattr(Buffer.from(scratch.path('file')), 'user.key' as Octets, Buffer.from([0, 255]));
  symlinkSync('file', scratch.path('symlink'));
  scratch.mkdir('empty');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(scratch.path('socket'), resolve));
  t.after(() => server.close());
  for (const [name, kind] of [
    ['file', 'file'],
    ['symlink', 'symlink'],
    ['empty', 'dir'],
    ['socket', 'socket'],
  ] as const) {
    const { dirent } = await put(store, scratch.path(name));
    assert.equal(dirent.kind, kind);
    assert.equal(dirent.name, name);
    assert.equal(dirent.meta.mtimeNs, lstatSync(scratch.path(name), { bigint: true }).mtimeNs);
  }
  const { dirent } = await put(store, scratch.path('file'));
  assert.deepEqual(
    [...(dirent.meta.xattrs ?? [])].map(([name, value]) => [name, [...value]]),
    [['user.key', [0, 255]]],
  );
  await assert.rejects(put(store, scratch.path('absent')), { code: 'ENOENT' });
});

test('devices keep their numbers, and -x leaves out what is mounted below', async () => {
  await using store = new MemoryStore();
  const { dirent } = await put(store, '/dev', { oneFilesystem: true, onFailure: () => {} });
  const entries = await entriesOf(store, dirent);
  assert.equal(entries.get('null')?.kind, 'char');
  assert.deepEqual(entries.get('null')?.meta.rdev, { major: 1, minor: 3 });
  const mounted = [...entries.values()].filter(
    (entry) => entry.kind === 'dir' && lstatSync(`/dev/${entry.name}`).dev !== lstatSync('/dev').dev,
  );
  for (const entry of mounted) assert.equal(entry.kind === 'dir' && entry.block.span, 0, entry.name);
});

test("the Store's own directory is left out with a warning", async (t) => {
  const scratch = makeScratch(t);
  const source = scratch.mkdir('tree');
  writeFileSync(`${scratch.mkdir('tree/store')}/data`, 'x');
  writeFileSync(`${source}/kept`, 'x');
  const warned: string[] = [];
  await using store = new MemoryStore();
  const { dirent } = await put(store, source, {
    isStoreFolder: ({ ino }) => ino === lstatSync(`${source}/store`, { bigint: true }).ino,
    onWarning: (path) => warned.push(path),
  });
  assert.deepEqual(warned, [`${source}/store`]);
  assert.deepEqual([...(await entriesOf(store, dirent)).keys()], ['kept']);
});

test('owners are recorded by name and number, or by number alone', async (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('file'), 'x');
  await using store = new MemoryStore();
  const uid = process.getuid?.() ?? 0;
  const owners = {
    userName: (id: number) => (id === uid ? ('someone' as Octets) : undefined),
    groupName: () => undefined,
    userId: () => undefined,
    groupId: () => undefined,
  };
  const named = await put(store, scratch.path('file'), { owners });
  assert.equal(named.dirent.meta.user, 'someone');
  assert.equal(named.dirent.meta.uid, uid);
  const numeric = await put(store, scratch.path('file'), { owners, numericOwners: true });
  assert.equal(numeric.dirent.meta.user, undefined);
  assert.equal(numeric.dirent.meta.uid, uid);
});

test('what is remembered does not outlast a change of the names of owners', async (t) => {
  const scratch = makeScratch(t);
  const source = scratch.mkdir('tree');
  writeFileSync(`${source}/file`, 'x');
  await outlive(source);
  await using store = new MemoryStore();
  const owners = (name: string) => ({
    userName: () => name as Octets,
    groupName: () => undefined,
    userId: () => undefined,
    groupId: () => undefined,
  });
  await put(store, source, { owners: owners('before') });
  const { dirent, counts } = await put(store, source, { owners: owners('after') });
  assert.equal((await entriesOf(store, dirent)).get('file')?.meta.user, 'after');
  assert.equal(counts.unchangedFiles, 0);
});

test('a plan counts as the import does, stores nothing and remembers nothing', async (t) => {
  const source = makeScratch(t).path('tree');
  makeTree(source, { files: 100, seed: 3 });
  await using store = new MemoryStore();
  const planned = await put(store, source, { plan: true });
  assert.equal(store.counts().newBlocks, 0);
  const done = await put(store, source);
  assert.equal(formatDirent(planned.dirent), formatDirent(done.dirent));
  assert.deepEqual(planned.counts, done.counts);
});

test('a cancelled import rejects with ECANCELLED', async (t) => {
  const source = makeScratch(t).path('tree');
  makeTree(source, { files: 3000, seed: 4, extras: false });
  const controller = new AbortController();
  await using store = new MemoryStore();
  await assert.rejects(put(store, source, { signal: controller.signal, onProgress: () => controller.abort() }), { code: 'ECANCELLED' });
});
