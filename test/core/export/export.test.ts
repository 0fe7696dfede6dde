import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { linkSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import { makeNode, setXattr } from '../../../core/base/system/libc.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { exportDirent } from '../../../core/export/export.ts';
import type { ExportFailure } from '../../../core/export/export-report.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import type { Store } from '../../../core/store/store.ts';
import { rsyncDifferences } from '../../support/rsync/rsync.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';
import { makeTree } from '../../support/trees/make-tree.ts';
import { storeTree } from '../../support/trees/store-tree.ts';

const isRoot = process.geteuid?.() === 0;
const octets = (path: string): Octets => Buffer.from(path).toString('latin1') as Octets;

/** The Stores that an export reads in different ways: through the Store, inline, and by worker threads. */
const WAYS: readonly { readonly says: string; readonly open: (scratch: Scratch) => Promise<Store>; readonly workers: number }[] = [
  { says: 'through a Store that does not tell where Blocks lie', open: async () => new MemoryStore(), workers: 2 },
  { says: 'inline', open: (scratch) => openDatadir(scratch.path('store'), { create: true }), workers: 0 },
  { says: 'by two workers', open: (scratch) => openDatadir(scratch.path('store'), { create: true }), workers: 2 },
];

function addSpecialNodes(folder: string): void {
  makeNode(Buffer.from(join(folder, 'socket')), 0o140755, { major: 0, minor: 0 });
  if (isRoot) {
    makeNode(Buffer.from(join(folder, 'char')), 0o020640, { major: 1, minor: 259 });
    makeNode(Buffer.from(join(folder, 'block')), 0o060600, { major: 259, minor: 70_000 });
  }
  symlinkSync('hard linked symlink', join(folder, 'symlink'));
  linkSync(join(folder, 'symlink'), join(folder, 'symlink too'));
  makeNode(Buffer.from(join(folder, 'fifo')), 0o010600, { major: 0, minor: 0 });
  linkSync(join(folder, 'fifo'), join(folder, 'fifo too'));
  setXattr(Buffer.from(folder), octets('user.top'), Buffer.from([0, 255]));
  if (isRoot) setXattr(Buffer.from(join(folder, 'symlink')), octets('trusted.of-symlink'), Buffer.from('value'));
  writeFileSync(join(folder, 'capable'), 'x');
  if (isRoot) execFileSync('setcap', ['cap_net_raw+ep', join(folder, 'capable')]);
}

for (const { says, open, workers } of WAYS) {
  test(`GET of a tree of everything gives the same tree, ${says}`, async (t: TestContext) => {
    const scratch = makeScratch(t);
    const source = scratch.path('source');
    makeTree(source, { files: 600, seed: 5 });
    addSpecialNodes(source);
    writeFileSync(
      join(source, 'large'),
      Buffer.concat([
        Buffer.alloc(9 << 20),
        Buffer.alloc(5 << 20, 7),
        execFileSync('head', ['-c', '20000003', '/dev/urandom'], { maxBuffer: 1 << 26 }),
      ]),
    );
    execFileSync('truncate', ['-s', '64M', join(source, 'large')]);
    await using store = await open(scratch);
    const dirent = await storeTree(store, source);
    const failures: ExportFailure[] = [];
    const counts = await exportDirent(store, dirent, octets(scratch.path('target')), {
      workers,
      owner: 'names',
      onFailure: (failure) => failures.push(failure),
    });
    assert.deepEqual(failures, []);
    assert.equal(await rsyncDifferences(source, scratch.path('target'), isRoot ? ['--devices', '--specials'] : ['--specials']), '');
    assert.ok(counts.links > 0 && counts.symlinks > 0 && counts.specials >= 3);
    assert.ok(statSync(scratch.path('target/large')).blocks * 512 < 30 << 20, 'runs of NUL are holes');
    assert.deepEqual(leftovers(scratch.path('target')), []);
  });
}

function leftovers(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'latin1' }).filter((name) => name.includes('.vtftp-'));
}
