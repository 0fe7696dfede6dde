import assert from 'node:assert/strict';
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { Octets } from '../../../../core/base/octets.ts';
import type { AtCalls } from '../../../../core/base/system/at-calls.ts';
import { cName } from '../../../../core/base/system/at-calls.ts';
import { nativeAtCalls } from '../../../../core/base/system/at-calls-native.ts';
import { procAtCalls } from '../../../../core/base/system/at-calls-proc.ts';
import { nativeLibrary } from '../../../../core/base/system/libc.ts';
import { timespecs } from '../../../../core/base/timespec.ts';
import { makeScratch } from '../../../support/scratch.ts';

const name = (text: string) => cName(text as Octets);
const library = nativeLibrary();
const WAYS: readonly (readonly [string, AtCalls, bigint])[] = [
  ...(library === undefined ? [] : [['the C library', nativeAtCalls(library), 0n] as const]),
  ['Node and /proc', procAtCalls(), 1_000_000n],
];

for (const [says, at, inexactNs] of WAYS) {
  test(`names in an open directory are made, described, renamed, linked and removed, by ${says}`, (t: TestContext) => {
    const scratch = makeScratch(t);
    const dir = openSync(scratch.mkdir('dir'), 'r');
    t.after(() => closeSync(dir));
    const path = (entry: string): string => join(scratch.path('dir'), entry);

    const fd = at.open(dir, name('new \xff'), 'create');
    writeSync(fd, 'content');
    at.fchown(fd, -1, -1);
    at.fchmod(fd, 0o4750);
    at.futimens(fd, timespecs(-1n, -5_000_000_001n));
    closeSync(fd);
    assert.throws(() => at.open(dir, name('new \xff'), 'create'), { code: 'EEXIST' });
    at.rename(dir, name('new \xff'), name('file'));
    const seen = statSync(path('file'), { bigint: true });
    assert.equal(seen.mode & 0o7777n, 0o4750n);
    const off = seen.mtimeNs + 5_000_000_001n;
    assert.ok(off <= inexactNs && off >= -inexactNs, `${seen.mtimeNs}`);

    const stat = at.stat(dir, name('file'));
    assert.deepEqual(
      [stat?.ino, stat?.size, stat?.nlink, stat?.uid, stat?.mtimeNs, stat?.mode, stat?.dev, stat?.ctimeNs, stat?.blocks],
      [seen.ino, 7n, 1n, seen.uid, seen.mtimeNs, seen.mode, seen.dev, seen.ctimeNs, seen.blocks],
    );
    assert.equal(at.stat(dir, name('absent')), undefined);

    at.link(dir, name('file'), dir, name('other'));
    assert.equal(statSync(path('other'), { bigint: true }).ino, seen.ino);
    assert.throws(() => at.link(dir, name('file'), dir, name('other')), { code: 'EEXIST' });

    at.symlink(Buffer.from('to \xff', 'latin1'), dir, name('symlink'));
    assert.equal(at.readlink(dir, name('symlink')).toString('latin1'), 'to \xff');
    at.utimens(dir, name('symlink'), timespecs(undefined, 1_000_000_007n));
    const linkOff = lstatSync(path('symlink'), { bigint: true }).mtimeNs - 1_000_000_007n;
    assert.ok(linkOff <= inexactNs && linkOff >= -inexactNs);
    at.chown(dir, name('symlink'), -1, -1);

    at.mkdir(dir, name('sub'), 0o700);
    closeSync(at.open(dir, name('sub'), 'dir'));
    at.rmdir(dir, name('sub'));
    at.unlink(dir, name('other'));
    at.unlink(dir, name('other'));
    assert.deepEqual(readdirSync(scratch.path('dir')).sort(), ['file', 'symlink']);
  });

  test(`a symlink is not followed, by ${says}`, (t: TestContext) => {
    const scratch = makeScratch(t);
    const dir = openSync(scratch.mkdir('dir'), 'r');
    t.after(() => closeSync(dir));
    mkdirSync(scratch.path('outside'));
    writeFileSync(scratch.path('outside/file'), 'mine');
    symlinkSync('../outside', scratch.path('dir/to-dir'));
    symlinkSync('../outside/file', scratch.path('dir/to-file'));
    symlinkSync('../outside/new', scratch.path('dir/to-new'));
    assert.throws(
      () => at.open(dir, name('to-dir'), 'dir'),
      (error: NodeJS.ErrnoException) => error.code === 'ENOTDIR' || error.code === 'ELOOP',
    );
    assert.throws(() => at.open(dir, name('to-new'), 'create'), { code: 'EEXIST' });
    assert.throws(() => at.mkdir(dir, name('to-new'), 0o700), { code: 'EEXIST' });
    assert.equal((at.stat(dir, name('to-file'))?.mode ?? 0n) & 0o170000n, 0o120000n);
    const fd = at.open(dir, name('new'), 'create');
    closeSync(fd);
    at.rename(dir, name('new'), name('to-file'));
    assert.equal(readFileSync(scratch.path('outside/file'), 'utf8'), 'mine');
    assert.ok(!existsSync(scratch.path('outside/new')));
  });
}
