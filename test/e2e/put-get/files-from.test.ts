import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

/** Names that a line would have to quote. */
const NAMES = ['plain', 'a b', '*', "it's", 'two\nlines', '-n', '~', ';', 'ü'];

test('--files-from0 takes names as they stand in a list: put, get, stat and rm', async (t) => {
  const scratch = makeScratch(t);
  for (const name of NAMES) writeFileSync(scratch.path(name), `content of ${name}`);
  writeFileSync(scratch.path('list'), NAMES.map((name) => `${name}\0`).join(''));
  const say = async (line: string, input?: string) =>
    await vtftp(['-S', './store', '-c', line], { env: scratch.env, cwd: scratch.folder, ...(input === undefined ? {} : { input }) });
  const put = await say('mkdir d; put --files-from0 list d; quit');
  assert.equal(put.status, 0, put.report);
  const listed = await say('find d -type f -0');
  assert.deepEqual(new Set(listed.stdout.split('\0')), new Set([...NAMES.map((name) => `/d/${name}`), '']));

  // From standard input; a NUL after the last name is not needed.
  const got = await say('lmkdir out; cd d; get --files-from0 - out', NAMES.join('\0'));
  assert.equal(got.status, 0, got.report);
  assert.deepEqual(readdirSync(scratch.path('out')).sort(), [...NAMES].sort());
  for (const name of NAMES) assert.equal(readFileSync(scratch.path(`out/${name}`), 'utf8'), `content of ${name}`);

  const told = await say("cd d; stat --files-from0 - | grep -c '^ *path'", '*\0two\nlines\0');
  assert.equal(told.status, 0, told.report);
  const removed = await say('cd d; rm --files-from0 -; quit', '*\0~\0');
  assert.equal(removed.status, 0, removed.report);
  assert.equal((await say('find d -type f -0')).stdout.split('\0').length, NAMES.length - 2 + 1);
});

test('--files-from0: nothing for an empty list; a word too many, an empty name and a list that is not there are told', async (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('empty'), '');
  writeFileSync(scratch.path('hole'), 'a\0\0b\0');
  const say = async (line: string) => await vtftp(['-S', './store', '-c', line], { env: scratch.env, cwd: scratch.folder });
  assert.equal((await say('mkdir d e; quit')).status, 0);
  const nothing = await say('rm -r --files-from0 empty; ls');
  assert.deepEqual([nothing.status, nothing.stdout], [0, 'd\ne\n']);
  const cases = [
    ['rm --files-from0 empty x', 2, undefined],
    ['rm --files-from0 hole', 2, 'rm: hole: name 2 is empty\n'],
    ['rm --files-from0 nowhere', 1, 'rm: cannot read nowhere: no such file or directory\n'],
    ['rm --files-from0', 2, undefined],
  ] as const;
  for (const [line, status, stderr] of cases) {
    const done = await say(line);
    assert.equal(done.status, status, done.report);
    if (stderr !== undefined) assert.equal(done.stderr, stderr);
  }
  writeFileSync(scratch.path('one'), 'd\0');
  const both = await say('rm -r --files-from0 one e');
  assert.equal(both.status, 2, both.report);
  assert.match(both.stderr, /^rm: names come from the list, so "e" is one too many \(usage: rm /);
  assert.ok(!existsSync(scratch.path('d')));
});
