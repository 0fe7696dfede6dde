import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { describe, it } from 'node:test';
import type { Run } from '../../support/program.ts';
import { vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

type Shell = (commands: string, ...options: string[]) => Promise<Run>;

/** Four states: two files; one of them changed; that one gone; and other permissions. */
async function fourStates(t: TestContext): Promise<Shell> {
  const scratch = makeScratch(t);
  const local = scratch.mkdir('d');
  const shell: Shell = async (commands, ...options) =>
    await vtftp(['-S', scratch.path('store'), ...options, '-c', commands], { env: scratch.env, cwd: scratch.folder });
  const record = async (commands: string): Promise<void> => {
    const done = await shell(`${commands}; quit`);
    assert.equal(done.status, 0, done.report);
  };
  writeFileSync(`${local}/a`, 'one\n');
  writeFileSync(`${local}/b`, 'b\n');
  await record(`put ${local} d`);
  writeFileSync(`${local}/a`, 'two of it\n');
  await record(`put ${local} d`);
  rmSync(`${local}/a`);
  await record(`put ${local} d`);
  await record('chmod 700 d/b; sync -m "only for me"');
  return shell;
}

/** What each command prints, run in one session: without times and who made a state, blanks as one. A leading `-` is that of the shell. */
async function outputs(shell: Shell, commands: readonly string[], ...options: string[]): Promise<{ lines: string[][]; errors: string[] }> {
  const { stdout, stderr } = await shell(commands.map((command) => `${command}; !echo ==`).join('; '), ...options);
  const plain = stdout
    .replace(/ \d{4}-\d\d-\d\dT\S+/g, '')
    .replace(/ {2}\S+@\S+: .*/g, '')
    .replace(/\t| +/g, ' ');
  const lines = plain
    .split('==\n')
    .slice(0, -1)
    .map((text) => text.split('\n').slice(0, -1));
  assert.equal(lines.length, commands.length, stderr);
  return { lines, errors: stderr.split('\n').slice(0, -1) };
}

describe('states in words', () => {
  it('log begins at a state, or lists those after one up to another; a path that is gone is found by a state', async (t) => {
    const shell = await fourStates(t);
    const ranges = [
      ['@2', ['@2', '@1']],
      ['@2..', ['@4', '@3']],
      ['@1..@3', ['@3', '@2']],
      ['@1..3', ['@3', '@2']],
      ['@-1', ['@3', '@2', '@1']],
      ['@now', ['@4', '@3', '@2', '@1']],
      ['@4..', []],
      ['d/a@2', ['@2', '@1']],
      ['d/a@1..@2', ['@2']],
      ['-n 1 @3', ['@3']],
    ] as const;
    const listed = await outputs(
      shell,
      ranges.map(([words]) => `log ${words}`),
    );
    for (const [i, [words, expected]] of ranges.entries()) {
      const numbers = listed.lines[i]?.flatMap((line) => (line.startsWith('@') ? line.split(' ')[0] : []));
      assert.deepEqual(numbers, expected, words);
    }
    // The oldest of a range is compared with the state before it.
    assert.equal(listed.lines[2]?.at(-1), '@2 ~1 10B /d/a');
    const { errors } = await outputs(shell, ['-log @9', '-log @1..@9', '-log @nothing', '-log d/c@2']);
    assert.deepEqual(errors, [
      'log: @9: no such state (log lists them)',
      'log: @9: no such state (log lists them)',
      'log: /@nothing: no recorded state has it',
      'log: /d/c: no recorded state has it',
    ]);
    assert.equal((await shell('log @9')).status, 10);
  });

  it('log and diff take a name in the tree for that name, though it looks like a state', async (t) => {
    const shell = await fourStates(t);
    await shell('cp d/b @2; cp d/b @1..@2; quit');
    const { lines } = await outputs(shell, ['log @2', 'log @1..@2', 'diff @2', 'diff @1..@2']);
    assert.deepEqual(lines.slice(0, 2), [['@5 2B'], ['@5 2B']]);
    assert.deepEqual(
      lines.slice(2).map(([first]) => first),
      ['+ /@2 2B', '+ /@1..@2 2B'],
    );
  });

  it('log of a path tells who made each state, by what, and its message', async (t) => {
    const shell = await fourStates(t);
    const listed = await shell('log d/b; log -l d/b');
    assert.match(
      listed.stdout,
      /^@4 .* 2B {2}\S+@\S+: chmod 700 d\/b\n {7}only for me\n@1 .* 2B \(\+2\) {2}\S+@\S+: put .* d\n@4 .* 2B {2}F\{name:"b"/,
    );
    const [first = ''] = (await shell('log d/b', '--json')).stdout.split('\n');
    assert.equal((JSON.parse(first) as { message?: string }).message, 'only for me');
  });

  it('diff takes two states in one word', async (t) => {
    const shell = await fourStates(t);
    const { lines } = await outputs(shell, [
      'diff @1 @2',
      'diff @1..@2',
      'diff @1..2',
      'diff d@1 d@2',
      'diff d@1..@2',
      'diff d@1',
      'diff d@1..',
    ]);
    const [two, ...others] = lines;
    assert.match(two?.[0] ?? '', /^M \/d\/a /);
    for (const same of others.slice(0, 4)) assert.deepEqual(same, two);
    assert.match(lines[5]?.[0] ?? '', /^- \/d\/a /);
    assert.deepEqual(lines[6], lines[5]);
  });

  it('diff --stat leaves out Dirs without new or removed bytes, and counts the names', async (t) => {
    const { lines } = await outputs(await fourStates(t), ['diff --stat', 'diff --stat @2', 'diff --stat @2 @2']);
    assert.deepEqual(lines, [['1 name changed'], ['+0 -10 /d', '+0 -10 /', '1 name gone, 1 name changed'], ['no differences']]);
  });

  it('cmp compares Dirs, by content alone', async (t) => {
    const shell = await fourStates(t);
    const equal = await shell('cmp d@3 d; cmp d');
    assert.equal(equal.status, 0, equal.report);
    const { errors } = await outputs(shell, ['-cmp d d@2', '-cmp d@2 d', '-cmp d@1 d@2', '-cmp d d/b']);
    assert.deepEqual(errors, [
      'cmp: d d@2: only the second has /d/a',
      'cmp: d@2 d: only the first has /d/a',
      'cmp: d@1 d@2: they differ at /d/a',
      'cmp: /d: it is a Dir (cmp takes two files, or two Dirs)',
    ]);
    const told = await shell('cmp d@1 d@2', '--json');
    assert.equal(told.status, 1, told.report);
    assert.deepEqual(JSON.parse(told.stdout), { command: 'cmp', same: false, path: '/d/a' });
  });

  it('tag lists tags, and takes one away wherever it is', async (t) => {
    const shell = await fourStates(t);
    const { lines, errors } = await outputs(shell, [
      'tag @2 old; tag new; tag @1 old',
      'tag',
      'tag -d @1 old',
      'tag',
      'tag -d old',
      '-tag -d old',
    ]);
    assert.deepEqual(lines.slice(1), [
      ['@1: @old', '@2: @old', '@4: @new'],
      ['@1: no tags, not protected'],
      ['@2: @old', '@4: @new'],
      ['@2: no tags, not protected'],
      [],
    ]);
    assert.deepEqual(errors, ['tag: -d old: no state has that tag (tag lists them)']);
  });
});
