import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { errorReason, errorText } from '../../core/base/system-error.ts';
import { vtftp } from '../support/program.ts';
import { makeScratch } from '../support/scratch.ts';

const CASES: readonly (readonly [commands: string, status: number, says: string])[] = [
  ['cat a > /dev/full', 1, 'cat: cannot write /dev/full: no space left on device\n'],
  ['cat a > /nonexist/a', 1, 'cat: cannot write /nonexist/a: no such file or directory\n'],
  ['ls > /', 1, 'ls: cannot write /: is a directory\n'],
  ['lmkdir /proc/q', 1, 'lmkdir: cannot make /proc/q: no such file or directory\n'],
  ['lcd nowhere', 1, 'no such file or directory\n'],
  ['mkdir x; mv x x/sub', 1, 'mv: /x: a Dir cannot be moved into itself ("/x/sub")\n'],
  ["open 'D{zzz'", 10, 'open: D{zzz: expected ":", found the end, at offset 5\n'],
  ['find -nam x', 2, 'find: unknown option -n'],
];

test('S12: what goes wrong is one line: what, where, why, without codes of errors or names of temporary files', async (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('a'), 'text');
  const options = { env: scratch.env, cwd: scratch.folder };
  const made = await vtftp(['-q', '-S', 'store', '-c', 'put a'], options);
  assert.equal(made.status, 0, made.report);
  for (const [commands, status, says] of CASES) {
    const failed = await vtftp(['-S', 'store', '-c', commands], options);
    assert.equal(failed.status, status, failed.report);
    assert.ok(failed.stderr.includes(says), `${says}${failed.report}`);
    assert.doesNotMatch(failed.stderr, /\bE[A-Z]{3,}\b|\.part/);
    assert.equal(failed.stderr.split('\n').filter((line) => /^[a-z]+: /.test(line)).length, 1, failed.report);
  }
});

test('S12: find takes its options after one dash too, as find(1) does', async (t) => {
  const scratch = makeScratch(t);
  const options = { env: scratch.env, cwd: scratch.folder };
  const found = await vtftp(['-q', '-S', 'store', '-c', "mkdir -p a/b; touch a/b/c.txt; find / -name '*.txt' -type f"], options);
  assert.equal(found.status, 0, found.report);
  assert.match(found.stdout, /^\/a\/b\/c\.txt\n/);
});

test('an error of a system call is told with its path and reason; any other with its message', () => {
  const error = Object.assign(new Error("EACCES: permission denied, rename '/a' -> '/b'"), {
    code: 'EACCES',
    errno: -13,
    syscall: 'rename',
    path: '/a',
    dest: '/b',
  });
  assert.equal(errorText(error), 'rename "/a" to "/b": permission denied');
  assert.equal(errorReason(error), 'permission denied');
  assert.equal(errorText(new Error('x')), 'x');
  assert.equal(errorReason('y'), 'y');
});
