import assert from 'node:assert/strict';
import { test } from 'node:test';
import { vtftp } from '../support/program.ts';
import type { Scratch } from '../support/scratch.ts';
import { makeScratch } from '../support/scratch.ts';

function session(scratch: Scratch, commands: string, more: readonly string[] = []) {
  return vtftp(['-S', scratch.path('store'), ...more, '-c', commands], { env: scratch.env, cwd: scratch.folder });
}

test('log of what no recorded state has is an error', async (t) => {
  const scratch = makeScratch(t);
  await session(scratch, 'mkdir recorded');
  const none = await session(scratch, 'log none');
  assert.equal(none.status, 1, none.report);
  assert.equal(none.stderr, 'log: /none: no recorded state has it\n');
  assert.match((await session(scratch, 'rm -r recorded; log recorded')).stdout, /^@1 /);
});

test('undo @N and @DATE go to the state that they name; where there is nothing to go back from, undo says that they do', async (t) => {
  const scratch = makeScratch(t);
  await session(scratch, 'mkdir added');
  await session(scratch, 'rm -r added');
  const undone = await session(scratch, 'undo');
  assert.equal(undone.status, 1, undone.report);
  assert.match(undone.stderr, /only 0 roots to go back from \(undo @N goes to any state that log lists\)/);
  const planned = await session(scratch, 'undo @1; ls', ['-n']);
  assert.match(planned.stdout, /^would undo: the tree would be as it was at .* \(@1\)$/m, planned.report);
  const named = await session(scratch, 'mkdir other; undo @1; ls');
  assert.match(named.stdout, /^undone: the tree is as it was at .* \(@1\)\nadded\n/, named.report);
  assert.match((await session(scratch, 'cd @3; ls')).stdout, /^other$/m);
  const none = await session(scratch, 'undo @9');
  assert.match(none.stderr, /@9: no such state/, none.report);
  assert.equal((await session(scratch, 'undo some')).status, 2);
});

test('undo right after what was added last is removed brings it back, and leaves the rest', async (t) => {
  const scratch = makeScratch(t);
  const say = (line: string) => session(scratch, line);
  for (const line of ['mkdir keep; quit', 'mkdir other; quit']) assert.equal((await say(line)).status, 0);
  const undone = await say('rmdir other; undo; ls');
  assert.equal(undone.stdout.split('\n').slice(1, 3).join(' '), 'keep other', undone.report);
  const further = await say('undo; ls; redo; ls');
  assert.match(further.stdout, /^undone: .* \(@1\)\nkeep\nredone: .*\nkeep\nother\n/, further.report);
});
