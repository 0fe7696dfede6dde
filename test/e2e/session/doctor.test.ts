import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { test } from 'node:test';
import { PROGRAM, run, vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

const LINUX = { skip: process.platform === 'linux' ? false : 'limits are those of Linux' };

test('doctor tells what does not work and what to do, and ends with 1 then', LINUX, async (t) => {
  const scratch = makeScratch(t);
  const { env, folder } = scratch;
  const limited = await run(
    'sh',
    [
      '-c',
      'ulimit -n 200; exec "$@"',
      'sh',
      process.execPath,
      PROGRAM,
      '-S',
      `datadir:${scratch.path('s')},durability=none`,
      '-c',
      'mkdir x; doctor',
    ],
    { env: { ...env, XDG_RUNTIME_DIR: scratch.path('none') }, cwd: folder },
  );
  assert.equal(limited.status, 1, limited.report);
  assert.match(limited.stdout, /^! open files {7}200: .*ulimit -n 1024$/m, limited.report);
  assert.match(limited.stdout, /^! control sockets {2}XDG_RUNTIME_DIR \S+none: no such file or directory: no mounts: unset it$/m);
  assert.match(limited.stdout, /^! Store .*: durability is none: /m, limited.report);
  assert.match(limited.stderr, /^doctor: \d problems? found$/m);
});

test('doctor finds nothing amiss with a Store that is well, and makes none', LINUX, async (t) => {
  const scratch = makeScratch(t);
  mkdirSync(scratch.path('run'));
  const options = { env: { ...scratch.env, XDG_RUNTIME_DIR: scratch.path('run') }, cwd: scratch.folder };
  for (const line of ['doctor', 'mkdir x; quit', 'doctor']) {
    const told = await vtftp(['-S', './store', '--json', '-c', line], options);
    for (const text of told.stdout.trimEnd().split('\n')) {
      const { what, ok, found } = JSON.parse(text) as Readonly<Record<string, unknown>>;
      if (what === 'Store') assert.equal(ok, true, told.report);
      if (what === 'Store' && line === 'doctor') assert.match(String(found), /store/);
      if (what === 'clock' || what === 'control sockets') assert.equal(ok, true, told.report);
    }
  }
});
