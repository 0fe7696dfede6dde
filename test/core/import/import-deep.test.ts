import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, renameSync, writeSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsFromText } from '../../../core/base/octets.ts';
import { cName } from '../../../core/base/system/at-calls.ts';
import { atCalls } from '../../../core/base/system/choose-at-calls.ts';
import type { DirDirent } from '../../../core/dirent/dirent.ts';
import { importLocal } from '../../../core/import/import.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { walkDirent } from '../../../core/tree/walk.ts';
import { makeScratch } from '../../support/scratch.ts';
import { contentsBelow } from '../../support/trees/stored-contents.ts';

/** More levels than an import has open at a time, and more octets than a path may have. */
const LEVELS = 400;
const NAME = `m${'x'.repeat(20)}`;

/** Makes directories in one another, with a file beside each: `a` comes before it in order, `z` after. */
function makeDeep(t: TestContext): { readonly path: Octets; readonly at: (level: number, act: (dir: number) => void) => void } {
  const scratch = makeScratch(t);
  const calls = atCalls();
  const top = openSync(scratch.mkdir('deep'), 'r');
  // Node's own way of removing goes by path.
  scratch.beforeRemoval(() => spawnSync('rm', ['-rf', scratch.path('deep')]));
  const write = (dir: number, name: string): void => {
    const fd = calls.open(dir, cName(octetsFromText(name)), 'create');
    writeSync(fd, name);
    closeSync(fd);
  };
  const at = (level: number, act: (dir: number) => void): void => {
    let dir = calls.open(top, cName('.' as Octets), 'dir');
    for (let i = 0; i < level; i++) {
      const below = calls.open(dir, cName(octetsFromText(NAME)), 'dir');
      closeSync(dir);
      dir = below;
    }
    act(dir);
    closeSync(dir);
  };
  let dir = calls.open(top, cName('.' as Octets), 'dir');
  for (let i = 0; i < LEVELS; i++) {
    write(dir, `a${i}`);
    write(dir, `z${i}`);
    calls.mkdir(dir, cName(octetsFromText(NAME)), 0o755);
    const below = calls.open(dir, cName(octetsFromText(NAME)), 'dir');
    closeSync(dir);
    dir = below;
  }
  closeSync(dir);
  t.after(() => closeSync(top));
  return { path: octetsFromText(scratch.path('deep')), at };
}

test('a tree deeper than a path can be long is imported whole, with the names that come after each directory', async (t) => {
  const { path } = makeDeep(t);
  await using store = new MemoryStore();
  const { dirent, counts } = await importLocal(store, path, { onFailure: (_, error) => assert.fail(String(error)) });
  assert.deepEqual([counts.files, counts.dirs, counts.failures], [LEVELS * 2, LEVELS + 1, 0]);
  const contents = new Set(await contentsBelow(store, dirent));
  for (let i = 0; i < LEVELS; i++) assert.ok(contents.has(`a${i}`) && contents.has(`z${i}`), `level ${i}`);
});

test('the file at the bottom of many directories completes all of them', async (t) => {
  const scratch = makeScratch(t);
  const calls = atCalls();
  let dir = openSync(scratch.mkdir('deep'), 'r');
  scratch.beforeRemoval(() => spawnSync('rm', ['-rf', scratch.path('deep')]));
  const name = cName(octetsFromText('d'));
  for (let level = 0; level < 3 * LEVELS; level++) {
    calls.mkdir(dir, name, 0o755);
    const below = calls.open(dir, name, 'dir');
    closeSync(dir);
    dir = below;
  }
  closeSync(calls.open(dir, cName(octetsFromText('bottom')), 'create'));
  closeSync(dir);
  await using store = new MemoryStore();
  const { counts } = await importLocal(store, octetsFromText(scratch.path('deep')), {
    onFailure: (_, error) => assert.fail(String(error)),
  });
  assert.deepEqual([counts.files, counts.dirs], [1, 3 * LEVELS + 1]);
});

test('of a directory that is moved away while the import is deep in it, what comes later is named', async (t) => {
  const { path, at } = makeDeep(t);
  await using store = new MemoryStore();
  const MOVED = 100;
  let levels = 0;
  const failures: string[] = [];
  const { dirent, counts } = await importLocal(store, path, {
    workers: 0,
    isStoreFolder: () => {
      // The last one is entered: all above the innermost are closed.
      if (levels++ === LEVELS)
        at(MOVED - 1, (dir) => at(0, (top) => renameSync(`/proc/self/fd/${dir}/${NAME}`, `/proc/self/fd/${top}/moved`)));
      return false;
    },
    onFailure: (failed, error) => failures.push(`${failed.slice(failed.lastIndexOf('/') + 1)}: ${(error as Error).message}`),
  });
  assert.equal(levels, LEVELS + 1);
  const named = Array.from({ length: MOVED }, (_, i) => `z${i}: moved while it was read`);
  assert.deepEqual(failures.sort(), named.sort());
  assert.equal(counts.failures, MOVED);
  const names = new Set<string>();
  for await (const item of walkDirent(store, dirent as DirDirent)) names.add(item.path.slice(item.path.lastIndexOf('/') + 1));
  for (let i = MOVED; i < LEVELS; i++) assert.ok(names.has(`z${i}`), `level ${i} is inside what was moved`);
});
