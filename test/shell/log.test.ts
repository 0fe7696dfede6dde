import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { authorNotes, authorOf } from '../../core/archive/author-notes.ts';
import { mounted, noMountsHere } from '../support/mounts/mounted.ts';
import { vtftp } from '../support/program.ts';
import type { Scratch } from '../support/scratch.ts';
import { makeScratch } from '../support/scratch.ts';

async function session(scratch: Scratch, line: string, ...words: string[]) {
  const done = await vtftp(['-S', scratch.path('store'), ...words, '-c', line], { env: scratch.env, cwd: scratch.folder });
  assert.equal(done.status, 0, done.report);
  return done;
}

test('log tells of each root what changed, who made it by which commands, and the message', async (t) => {
  const scratch = makeScratch(t);
  mkdirSync(scratch.path('d'));
  writeFileSync(scratch.path('d/a'), 'a');
  writeFileSync(scratch.path('d/b'), 'b'.repeat(2000));
  await session(scratch, 'put d; quit');
  rmSync(scratch.path('d/a'));
  writeFileSync(scratch.path('d/b'), 'c'.repeat(3000));
  writeFileSync(scratch.path('d/c'), '');
  await session(scratch, "put d; mkdir 'x y'; sync -m 'of today\n'; chmod 700 d; quit");
  await session(scratch, 'undo @1');
  const { stdout } = await session(scratch, 'log');
  const lines = stdout.trimEnd().split('\n');
  const at = String.raw`\d{4}-\d\d-\d\dT\S+`;
  const who = `\\S+@${hostname()}`;
  for (const [i, pattern] of [
    `@4 +${at}  \\+1 -2 ~1 2\\.0K  /d/a  ${who}: undo`,
    `@3 +${at}  ~1  /d  ${who}: chmod 700 d`,
    `@2 +${at}  \\+2 -1 ~1 2\\.9K  /d/a  ${who}: put d; mkdir 'x y'`,
    ' +of today ?',
    `@1 +${at}  \\+3 2\\.0K  /d  ${who}: put d`,
  ].entries())
    assert.match(lines[i] ?? '', new RegExp(`^${pattern}$`), stdout);
  assert.equal(lines.length, 5, stdout);
  const json = (await session(scratch, 'log', '--json')).stdout.trimEnd().split('\n');
  const { added, removed, changed, new_bytes: bytes, first, host, message } = JSON.parse(json[2] ?? '') as Record<string, unknown>;
  assert.deepEqual([added, removed, changed, bytes, first, host, message], [2, 1, 1, 3000, '/d/a', hostname(), 'of today\n']);
  assert.match((await session(scratch, 'log -l -n 1')).stdout, /^@4 +\S+ {2}D\{block:.*\} {2}\S+@\S+: undo\n$/);
});

test('what is recorded before a removal is not told with the removal', async (t) => {
  const scratch = makeScratch(t);
  await session(scratch, 'touch a; rm a');
  const { stdout } = await session(scratch, 'log');
  assert.match(stdout, /^@2 .*: rm a\n@1 .*: touch a\n$/);
});

test('log shows names with their spaces, and patterns as they were typed', async (t) => {
  const scratch = makeScratch(t);
  await session(scratch, "mkdir 'a  b' ab; rmdir a*; mkdir '*'");
  const { stdout } = await session(scratch, 'log');
  assert.match(stdout, /^@1 .*: mkdir 'a {2}b' ab; rmdir a\*; mkdir '\*'\n$/);
});

test('log shows what a root merges', async (t) => {
  const scratch = makeScratch(t);
  const other = ['-S', scratch.path('other')];
  await session(scratch, 'mkdir a; quit');
  assert.equal((await vtftp([...other, '-c', 'mkdir b; quit'], { env: scratch.env })).status, 0);
  await session(scratch, `merge ${scratch.path('other')}; quit`);
  const { stdout } = await session(scratch, 'log');
  assert.match(stdout, /^@2 .* \+1 {2}\/b .*: merge .*\n {7}merges the state of \d{4}-\S+\n@1 /, stdout);
});

test('sync -m where nothing is new says that no root has the message; a message is not empty, nor longer than 1,000 characters', async (t) => {
  const scratch = makeScratch(t);
  const again = await session(scratch, 'mkdir x; sync; sync -m late; mkdir y; quit');
  assert.match(again.stderr, /^warning: nothing has changed since the last root, so the message is not recorded$/m);
  assert.doesNotMatch((await session(scratch, 'log')).stdout, /late/);
  for (const message of ["''", 'x'.repeat(1001)]) {
    const refused = await vtftp(['-S', scratch.path('store'), '-c', `sync -m ${message}`], { env: scratch.env });
    assert.equal(refused.status, 2, refused.report);
  }
});

test('log of roots whose Blocks are not there lists them all the same', async (t) => {
  const scratch = makeScratch(t);
  mkdirSync(scratch.path('d'));
  for (let i = 0; i < 20; i++) writeFileSync(scratch.path(`d/${i}`), 'x');
  await session(scratch, 'put d; sync; rm d/1; quit');
  const other = ['-S', scratch.path('other')];
  assert.equal((await vtftp([...other, '-c', 'mkdir x; quit'], { env: scratch.env })).status, 0);
  copyFileSync(scratch.path('store/archives/default.vt'), scratch.path('other/archives/default.vt'));
  const listed = await vtftp([...other, '-c', 'log'], { env: scratch.env });
  assert.equal(listed.status, 0, listed.report);
  assert.equal(listed.stdout.match(/^@\d .* changes unknown: Blocks are missing /gm)?.length, 2, listed.report);
});

test('what a program says to a mount is told with the root', { skip: noMountsHere() ?? false }, async (t) => {
  const mount = await mounted(t, makeScratch(t));
  assert.equal((await mount.sh(`setfattr -n user.x-vt-control -v 'mkdir made' ${mount.path}`)).status, 0);
  const refused = await mount.vtftp(mount.path, '-c', 'sync -m word');
  assert.equal(refused.status, 1, refused.report);
  assert.equal((await mount.unmount()).status, 0);
  assert.match((await mount.vtftp('-c', 'log -n 1')).stdout, /\+1 {2}\/made .*: mount .*; mkdir made$/m);
});

test('the notes of an author come back as they were', () => {
  const author = { host: 'a"b', user: 'é', command: String.raw`rm $'\n'`, message: 'x\ny' };
  assert.deepEqual(authorOf(authorNotes(author)), author);
  assert.equal(authorNotes({}).size, 0);
  assert.deepEqual(authorOf(undefined), {});
});
