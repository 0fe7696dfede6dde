import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeScratch } from '../support/scratch.ts';
import { session } from '../support/shells/one-session.ts';

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
  const none = await session(scratch, 'undo');
  assert.equal(none.stderr, 'undo: nothing to undo: no root is recorded yet (put or mkdir makes one)\n', none.report);
  await session(scratch, 'mkdir added');
  await session(scratch, 'rm -r added');
  const undone = await session(scratch, 'undo 9');
  assert.equal(undone.status, 1, undone.report);
  assert.equal(undone.stderr, 'undo: only 2 roots to go back from (undo @N goes to any state that log lists)\n');
  const all = await session(scratch, 'undo 2; undo');
  assert.match(all.stderr, /^undo: nothing to undo: the tree is as it was before the first root \(undo @N/, all.report);
  assert.equal(
    (await session(scratch, 'redo 2; redo')).stderr.split('\n')[0],
    'redo: nothing to redo: the last change was not an undo (undo @N goes to any state that log lists)',
  );
  const planned = await session(scratch, 'undo @1; ls', ['-n']);
  assert.match(planned.stdout, /^would undo: the tree would be as it was at .* \(@1\)$/m, planned.report);
  const named = await session(scratch, 'mkdir other; undo @1; ls');
  assert.match(named.stdout, /^undone: the tree is as it was at .* \(@1\)\nadded\n/m, named.report);
  assert.match((await session(scratch, 'cd @5; ls')).stdout, /^other$/m);
  const missing = await session(scratch, 'undo @99');
  assert.deepEqual([missing.status, missing.stderr], [10, 'undo: @99: no such state (log lists them)\n']);
  assert.equal((await session(scratch, 'undo some')).status, 2);
});

test('undo right after what was added last is removed brings it back, and leaves the rest', async (t) => {
  const scratch = makeScratch(t);
  const say = (line: string) => session(scratch, line);
  for (const line of ['mkdir keep; quit', 'mkdir other; quit']) assert.equal((await say(line)).status, 0);
  const undone = await say('rmdir other; undo; ls');
  assert.match(undone.stdout, /^recorded what changed as @3 first \(undo @3 goes there\)\nundone: .* \(@2\)\nkeep\nother\n/, undone.report);
  const further = await say('undo; ls; redo; ls');
  assert.match(further.stdout, /^undone: .* \(@1\)\nkeep\nredone: .*\nkeep\nother\n/, further.report);
});

test('what was removed by hand is a step of its own in a later session too', async (t) => {
  const scratch = makeScratch(t);
  const say = (line: string) => session(scratch, line);
  for (const line of ['mkdir keep; quit', 'mkdir other; quit', 'rmdir other; quit']) assert.equal((await say(line)).status, 0);
  const undone = await say('undo; ls');
  assert.match(undone.stdout, /^undone: .* \(@2\)\nkeep\nother\n/, undone.report);
  assert.match((await say('redo; ls')).stdout, /^redone: .* \(@3\)\nkeep\nD/);
  // The line goes on from there: one step to root 2, one more to root 1, which equals root 3.
  assert.match((await say('undo; undo; ls')).stdout, /undone: .* \(@1\)\nkeep\nD/);
  const nothing = await say('undo; undo');
  assert.match(nothing.stderr, /nothing to undo/, nothing.report);
});

test('a plan of undo counts from what it would record first', async (t) => {
  const scratch = makeScratch(t);
  await session(scratch, 'mkdir one; quit');
  const planned = await session(scratch, 'mkdir two; undo', ['-n']);
  assert.match(planned.stdout, /^would undo: the tree would be as it was at .* \(@1\)$/m, planned.report);
});
