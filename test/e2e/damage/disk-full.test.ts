import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { recited, run, vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { rsyncDifferences } from '../../support/rsync/rsync.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';
import { makeTree } from '../../support/trees/make-tree.ts';

/** A filesystem of this size, or undefined where this user may not mount one. */
function smallDisk(t: TestContext, scratch: Scratch, size: string): string | undefined {
  const disk = scratch.mkdir('disk');
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', disk], { encoding: 'utf8' });
  if (mounted.status !== 0) {
    t.skip(`mount a tmpfs: ${mounted.stderr.trim()}`);
    return undefined;
  }
  scratch.beforeRemoval(() => void spawnSync('umount', [disk]));
  return disk;
}

test('a disk that fills up ends PUT with an error that says so; what was recited stays; with room, a rerun completes', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const small = scratch.path('small');
  const large = scratch.mkdir('large');
  makeTree(small, { files: 50, seed: 31, extras: false });
  const random = makeRandom(32);
  for (let i = 0; i < 40; i++) writeFileSync(`${large}/file-${i}`, random.bytes(2 << 20));
  const disk = smallDisk(t, scratch, '32m');
  if (disk === undefined) return;
  const store = `${disk}/store`;

  const first = await vtftp(['-S', store, '-c', `put ${small} small; quit`], { env });
  assert.equal(first.status, 0, first.report);

  const full = await vtftp(['-S', store, '-c', `put ${large} large; quit`], { env });
  assert.equal(full.status, 1, full.report);
  assert.match(full.stderr, /no space left|ENOSPC/i);
  assert.doesNotMatch(full.stderr, /^\s+at .*:\d+:\d+/m);

  const old = await vtftp(['-S', store, recited(first), '-c', `get small ${scratch.path('small-again')}`], { env });
  assert.equal(old.status, 0, old.report);
  assert.equal(await rsyncDifferences(small, scratch.path('small-again')), '');

  await run('mount', ['-o', 'remount,size=256m', disk]);
  const rerun = await vtftp(['-S', store, '-c', `put ${large} large; quit`], { env });
  assert.equal(rerun.status, 0, rerun.report);
  const get = await vtftp(['-S', store, recited(rerun), '-c', `get large ${scratch.path('large-again')}`], { env });
  assert.equal(get.status, 0, get.report);
  assert.equal(await rsyncDifferences(large, scratch.path('large-again')), '');
});

test('a target that fills up ends GET with an error that says so, and no half file stands there', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const source = scratch.mkdir('source');
  const random = makeRandom(33);
  for (let i = 0; i < 12; i++) writeFileSync(`${source}/file-${i}`, random.bytes(2 << 20));
  const put = await vtftp(['-S', scratch.path('store'), '-c', `put ${source} tree; quit`], { env });
  assert.equal(put.status, 0, put.report);
  const disk = smallDisk(t, scratch, '16m');
  if (disk === undefined) return;

  const get = await vtftp(['-S', scratch.path('store'), '-c', `get tree ${disk}/tree`], { env });
  assert.ok(get.status === 1 || get.status === 3, get.report);
  assert.match(get.stderr, /no space left|ENOSPC/i);
  const found = await run('rsync', ['-rcn', '--itemize-changes', '--existing', '--delete', `${source}/`, `${disk}/tree/`]);
  assert.equal(found.stdout, '', 'a half file, or a temporary one, is left');
});
