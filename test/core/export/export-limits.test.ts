import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, linkSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import type { AtCalls } from '../../../core/base/system/at-calls.ts';
import { cName } from '../../../core/base/system/at-calls.ts';
import { atCalls } from '../../../core/base/system/choose-at-calls.ts';
import { systemError } from '../../../core/base/system/system-error.ts';
import { PendingBlocks } from '../../../core/block/block-sink.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { storeDir } from '../../../core/dirent/dir-codec.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { exportDirent } from '../../../core/export/export.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { makeScratch } from '../../support/scratch.ts';
import { storeTree } from '../../support/trees/store-tree.ts';

const o = (text: string): Octets => Buffer.from(text).toString('latin1') as Octets;

/** The calls of this machine, where a node takes no more than some names. */
function withFewLinks(max: number, code: 'EMLINK' | 'EXDEV'): AtCalls {
  const at = atCalls();
  return {
    ...at,
    link(fromDir, from, toDir, to) {
      if ((at.stat(fromDir, from)?.nlink ?? 0n) >= max) throw systemError(osConstants.errno[code], 'linkat');
      at.link(fromDir, from, toDir, to);
    },
  };
}

for (const [where, workers] of [
  ['memory', 0],
  ['datadir', 1],
] as const) {
  for (const code of ['EMLINK', 'EXDEV'] as const) {
    test(`names beyond what link(2) takes (${code}) become copies, as few as can be, and that is told once (${where})`, async (t: TestContext) => {
      const scratch = makeScratch(t);
      const source = scratch.mkdir('source');
      writeFileSync(`${source}/name00`, 'linked');
      for (let i = 1; i < 10; i++) linkSync(`${source}/name00`, `${source}/name0${i}`);
      const store = where === 'memory' ? new MemoryStore() : await openDatadir(scratch.path('store'), { create: true });
      const dirent = await storeTree(store, source);
      const notices: string[] = [];
      const target = scratch.path('target');
      const counts = await exportDirent(store, dirent, o(target), {
        workers,
        at: withFewLinks(4, code),
        onNotice: (notice) => notices.push(notice),
      });
      await store[Symbol.asyncDispose]();
      assert.equal(counts.failures, 0);
      assert.equal(notices.length, 1, notices.join('\n'));
      assert.match(notices[0] ?? '', /^"name0\d" becomes a copy instead of a hard link, as others may: /);
      const names = readdirSync(target);
      assert.equal(names.length, 10, names.join(' '));
      for (const name of names) assert.equal(readFileSync(`${target}/${name}`, 'utf8'), 'linked');
      assert.equal(new Set(names.map((name) => statSync(`${target}/${name}`).ino)).size, 3);
    });
  }
}

test('a tree deeper than PATH_MAX comes out, down to the file at its bottom', async (t: TestContext) => {
  const scratch = makeScratch(t);
  const target = scratch.path('target');
  // Node cannot remove what it cannot name.
  scratch.beforeRemoval(() => execFileSync('rm', ['-rf', target]));
  const element = o('d'.repeat(200));
  const depth = 60;
  await using store = await openDatadir(scratch.path('store'), { create: true });
  const pending = new PendingBlocks(store.hashName);
  const content = Buffer.from('at the bottom');
  let dirent: Dirent = {
    kind: 'file',
    name: o('file'),
    meta: { mtimeNs: 1_000_000_007n, xattrs: new Map([[o('user.note'), Buffer.from('deep')]]) },
    block: { kind: 'literal', span: content.length, data: content },
  };
  const symlink: Dirent = { kind: 'symlink', name: o('link'), meta: { mtimeNs: 5n }, target: o('file') };
  for (let i = 0; i < depth; i++) {
    const entries: readonly Dirent[] = i === 0 ? [dirent, symlink] : [dirent];
    dirent = { kind: 'dir', name: element, meta: { mtimeNs: BigInt(i) }, block: storeDir(pending, entries) };
  }
  await pending.flushTo(store);
  const counts = await exportDirent(store, dirent, o(target));
  assert.deepEqual([counts.failures, counts.files, counts.dirs, counts.symlinks], [0, 1, depth, 1]);
  const at = atCalls();
  let dir = openSync(target, constants.O_RDONLY | constants.O_DIRECTORY);
  for (let i = 1; i < depth; i++) {
    const next = at.open(dir, cName(element), 'dir');
    closeSync(dir);
    dir = next;
  }
  const seen = at.stat(dir, cName(o('file')));
  assert.equal(seen?.size, BigInt(content.length));
  assert.equal(seen.mtimeNs, 1_000_000_007n);
  assert.equal(at.readlink(dir, cName(o('link'))).toString(), 'file');
  assert.equal(readFileSync(`/proc/self/fd/${dir}/file`, 'utf8'), 'at the bottom');
  closeSync(dir);
});
