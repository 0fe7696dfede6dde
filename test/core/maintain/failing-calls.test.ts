import assert from 'node:assert/strict';
import fs, { readFileSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { it } from 'node:test';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { gc } from '../../../core/maintain/gc.ts';
import { faultsOf, GC, makeStore } from './maintained-store.ts';

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
