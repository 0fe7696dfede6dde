import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { PROGRAM, run, vtftp } from '../support/program.ts';
import { makeScratch } from '../support/scratch.ts';

/** All that a process can ask the system about its standard output. */
const LOOK = `const { fstatSync, readFileSync, readlinkSync, writeFileSync } = require('node:fs');
const { dev, ino, mode, rdev } = fstatSync(1);
const seen = { dev, ino, mode, rdev, link: readlinkSync('/proc/self/fd/1'), info: readFileSync('/proc/self/fdinfo/1', 'utf8') };
writeFileSync(process.argv[1], JSON.stringify(seen));`;

test('a standard output that is closed cannot be told from the /dev/null that parents give: Node opens it before the program starts', {
  skip: process.platform === 'linux' ? false : '/proc tells about descriptors on Linux',
}, async (t) => {
  const scratch = makeScratch(t);
  const closed = await run('sh', ['-c', 'exec "$@" >&-', 'sh', process.execPath, '-e', LOOK, scratch.path('closed')]);
  assert.equal(closed.status, 0, closed.report);
  const ignored = spawn(process.execPath, ['-e', LOOK, scratch.path('ignored')], { stdio: ['ignore', 'ignore', 'inherit'] });
  await once(ignored, 'exit');
  const [a, b] = [scratch.path('closed'), scratch.path('ignored')].map((file) => readFileSync(file, 'utf8'));
  assert.match(a ?? '', /\/dev\/null/);
  assert.equal(a, b);
});

test('with a closed standard output the work is done, as with /dev/null, and errors and statuses are as ever', async (t) => {
  const scratch = makeScratch(t);
  const closed = (line: string) => run('sh', ['-c', 'exec "$@" >&-', 'sh', process.execPath, PROGRAM, '-c', line], { env: scratch.env });
  const made = await closed('mkdir one; ls; quit');
  assert.deepEqual([made.status, made.stdout, made.stderr], [0, '', '']);
  const failed = await closed('ls nosuch');
  assert.deepEqual([failed.status, failed.stderr], [1, 'ls: /nosuch: no such file or directory\n'], failed.report);
  const listed = await vtftp(['-c', 'ls'], { env: scratch.env });
  assert.equal(listed.stdout, 'one\n', listed.report);
});
