import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import { formatDirent } from '../../../core/dirent/dirent-text.ts';
import type { Imported } from '../../../core/import/import.ts';
import { importLocal } from '../../../core/import/import.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import type { Store } from '../../../core/store/store.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { run } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

const TAG = 'Signature: 8a477f597d28d172789f06886806bc55\n# a cache\n';

async function put(store: Store, path: string, excludesCaches: boolean): Promise<Imported> {
  const imported = await importLocal(store, path as Octets, {
    excludesCaches,
    workers: 0,
    onFailure: (failed, error) => assert.fail(`${failed}: ${String(error)}`),
  });
  await store.flush();
  return imported;
}

async function pathsOf(store: Store, { dirent }: Imported): Promise<string[]> {
  assert.ok(dirent.kind === 'dir');
  const tree = openLiveTree(store, dirent);
  const paths: string[] = [];
  for (const ahead = ['/' as TreePath]; ahead.length > 0; )
    for await (const entry of tree.list(ahead.pop() ?? assert.fail())) {
      paths.push(entry.path);
      if (entry.dirent.kind === 'dir') ahead.push(entry.path);
    }
  return paths.sort();
}

/** A directory with a file and a directory, and this in place of a tag. */
function folder(source: string, name: string, makeTag: (path: string) => void): void {
  mkdirSync(join(source, name, 'deep'), { recursive: true });
  writeFileSync(join(source, name, 'deep/file'), name);
  makeTag(join(source, name, 'CACHEDIR.TAG'));
}

test('of a directory with a valid tag the tag alone is taken, as GNU tar does', async (t) => {
  const scratch = makeScratch(t);
  const source = scratch.mkdir('source');
  folder(source, 'cache', (path) => writeFileSync(path, TAG));
  folder(source, 'outer', () => undefined);
  folder(join(source, 'outer'), 'inner', (path) => writeFileSync(path, TAG.slice(0, 43)));
  folder(source, 'short', (path) => writeFileSync(path, TAG.slice(0, 42)));
  folder(source, 'other', (path) => writeFileSync(path, TAG.replace('8a47', '8a48')));
  folder(source, 'fifo', () => undefined);
  assert.equal((await run('mkfifo', [join(source, 'fifo/CACHEDIR.TAG')])).status, 0);
  folder(source, 'folder', (path) => mkdirSync(path));
  folder(source, 'link', (path) => symlinkSync('../cache/CACHEDIR.TAG', path));
  await using store = new MemoryStore();
  const imported = await put(store, source, true);
  const listed = await run('sh', ['-c', `cd ${source} && tar c --exclude-caches . | tar t`]);
  assert.equal(listed.status, 0, listed.report);
  const expected = listed.stdout
    .split('\n')
    .map((line) => line.replace(/^\./, '').replace(/\/$/, ''))
    .filter((line) => line !== '');
  // A symlink to a tag marks nothing here: who may swap it for another would decide what is stored.
  assert.deepEqual(await pathsOf(store, imported), [...new Set([...expected, '/link/deep', '/link/deep/file'])].sort());
  assert.equal(imported.counts.excluded, 2);
});

test('what was left out comes with the next import without the rule, and goes again with it', async (t) => {
  const source = makeScratch(t).mkdir('source');
  folder(source, 'cache', (path) => writeFileSync(path, TAG));
  await using store = new MemoryStore();
  const without = await put(store, source, true);
  const whole = await put(store, source, false);
  assert.deepEqual(await pathsOf(store, whole), ['/cache', '/cache/CACHEDIR.TAG', '/cache/deep', '/cache/deep/file']);
  const again = await put(store, source, true);
  assert.equal(formatDirent(again.dirent), formatDirent(without.dirent));
});

test('the top may be a cache itself', async (t) => {
  const scratch = makeScratch(t);
  folder(scratch.folder, 'cache', (path) => writeFileSync(path, TAG));
  await using store = new MemoryStore();
  assert.deepEqual(await pathsOf(store, await put(store, scratch.path('cache'), true)), ['/CACHEDIR.TAG']);
});
