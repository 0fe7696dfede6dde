import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, it } from 'node:test';
import type { Run } from '../../support/program.ts';
import { recited, run, vtftp } from '../../support/program.ts';
import type { Random } from '../../support/random.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e'] as const;

/** Makes or changes what is in a directory; contents are of words, so that some are equal. */
function change(random: Random, folder: string, steps: number): void {
  const path = (): string => `${folder}/${Array.from({ length: 1 + random.below(3) }, () => random.pick(NAMES)).join('/')}`;
  for (let step = 0; step < steps; step++) {
    const target = path();
    try {
      mkdirSync(dirname(target), { recursive: true });
      const what = random.below(10);
      if (what < 5) writeFileSync(target, `content ${random.below(12)}\n`.repeat(1 + random.below(3)));
      else if (what < 6) chmodSync(target, random.pick([0o600, 0o644, 0o755]));
      else if (what < 7) rmSync(target, { recursive: true });
      else if (what < 8) symlinkSync(`to ${random.below(5)}`, target);
      else if (what < 9) renameSync(target, path());
      else utimesSync(target, 1_700_000_000 + random.below(9), 1_700_000_000 + random.below(9));
    } catch (error) {
      // A name in the place of another kind, or none where one is needed.
      if (!(error instanceof Error && 'code' in error)) throw error;
    }
  }
}

/** What rsync would do to make one directory the other: a mark as ours, and the path. */
async function rsyncChanges(before: string, after: string): Promise<string[]> {
  const options = ['-n', '-aXA', '--itemize-changes', '--checksum', '--delete', '--modify-window=-1', '--out-format=%i %n'];
  const found = await run('rsync', [...options, `${after}/`, `${before}/`]);
  assert.equal(found.status, 0, found.report);
  const lines: string[] = [];
  for (const line of found.stdout.split('\n').filter((text) => text !== '')) {
    const [, what = '', name = ''] = /^(\S+) +(.*)$/.exec(line) ?? [];
    const path = `/t/${name.replace(/\/$/, '')}`.replace(/\/\.?$/, '');
    if (what === '*deleting') lines.push(`- ${path}`);
    else if (what.includes('+++')) lines.push(`+ ${path}`);
    // A changed symlink has another target; a Dir's time does not count.
    else if (/^.L/.test(what) ? what.startsWith('c') : /^[<>c]f/.test(what) && /^..c/.test(what)) lines.push(`M ${path}`);
    else if (/^.d/.test(what) ? /[pogax]/.test(what.slice(4)) : /[tpogax]/.test(what.slice(2))) lines.push(`U ${path}`);
  }
  return lines.filter((line) => !(line.startsWith('- ') && lines.includes(`+ ${line.slice(2)}`))).sort();
}

/** The marks and paths of our lines. A name of another kind is removed and new; rsync tells one of the two. */
function marks(stdout: string): string[] {
  const lines = stdout
    .split('\n')
    .filter((line) => /^[-+MU] /.test(line))
    .map((line) => line.replace(/\t.*$/, ''));
  return lines.filter((line) => !(line.startsWith('- ') && lines.includes(`+ ${line.slice(2)}`))).sort();
}

describe('diff', () => {
  it('names what rsync names, between states and with a local directory, whatever was done', async (t) => {
    const scratch = makeScratch(t);
    for (let seed = 0; seed < 6; seed++) {
      const random = makeRandom(seed);
      const [before, after] = [scratch.mkdir(`before${seed}`), scratch.path(`after${seed}`)];
      change(random, before, 40);
      assert.equal((await run('cp', ['-a', before, after])).status, 0);
      change(random, after, 15);
      const store = scratch.path(`store${seed}`);
      const made = await vtftp(['-S', store, '-c', `put ${before} t; sync; diff --no-renames t file:${after}; put ${after} t; quit`], {
        env: scratch.env,
      });
      assert.equal(made.status, 0, `seed ${seed}: ${made.report}`);
      const expected = await rsyncChanges(before, after);
      assert.deepEqual(marks(made.stdout), expected, `seed ${seed}, local: ${made.report}`);
      const states = await vtftp(['-S', store, '-c', `diff --no-renames @1; diff t file:${after}`], { env: scratch.env });
      assert.deepEqual(marks(states.stdout), expected, `seed ${seed}, states: ${states.report}`);
      assert.match(states.stdout, /^no differences$/m, `seed ${seed}: ${states.report}`);
      // A patch of all makes the contents of the one those of the other.
      const patch = await vtftp(['-S', store, '-c', 'cd t; diff -u @1'], { env: scratch.env });
      const applied = patch.stdout === '' ? undefined : await run('git', ['apply', '-p2', '-'], { input: patch.stdoutBytes, cwd: before });
      assert.equal(applied?.status ?? 0, 0, `seed ${seed}: ${applied?.report}\n${patch.report}`);
      const content = (await rsyncChanges(before, after)).filter((line) => line.startsWith('M ') && !readLink(`${after}/${line.slice(5)}`));
      assert.deepEqual(content, [], `seed ${seed}: ${patch.stdout}`);
    }
  });

  it('finds renames, takes what arguments name, and says how much is new', async (t) => {
    const scratch = makeScratch(t);
    const local = scratch.mkdir('d');
    const shell = async (commands: string, ...options: string[]): Promise<Run> =>
      await vtftp(['-S', scratch.path('store'), ...options, '-c', commands], { env: scratch.env });
    mkdirSync(`${local}/sub`);
    writeFileSync(`${local}/sub/a`, 'one\ntwo\nthree\n');
    writeFileSync(`${local}/b`, makeRandom(1).bytes(100_000));
    const first = recited(await shell(`put ${local} d; quit`));
    const data = readFileSync(`${local}/b`);
    data[50_000] = (data[50_000] ?? 0) ^ 1;
    writeFileSync(`${local}/b`, data);
    renameSync(`${local}/sub`, `${local}/moved`);
    writeFileSync(`${local}/new`, 'x'.repeat(1000));
    const second = await shell(`put ${local} d; diff; quit`);
    const expected =
      /^M \/d\/b\t98K, mtime\nR \/d\/moved\tfrom \/d\/sub\n\+ \/d\/new\t1\.0K\n1 name new \(1\.0K\), 1 name changed, 1 name renamed$/m;
    assert.match(second.stdout, expected);
    for (const words of ['diff', 'diff d', 'diff @1', 'diff d@1', 'diff @1 @2', `diff '${first}'`, 'diff @1 .', 'cd d; diff ../d@1'])
      assert.match((await shell(words)).stdout, expected, words);
    assert.match((await shell('diff @2; diff d@1 d@1')).stdout, /^no differences\nno differences\n$/);
    assert.match(
      (await shell('cd @1; diff')).stdout,
      /^\+ \/\tDir\n\+ \/d\tDir\n\+ \/d\/b\t98K\n\+ \/d\/sub\tDir\n\+ \/d\/sub\/a\t14B\n5 names new/m,
    );
    assert.match((await shell('diff d/b@1')).stdout, /^M .*\n@@ -50000,1 \+50000,1 @@ bytes\n$/);
    assert.match((await shell('diff --stat -d 0')).stdout, /^\+\d{4,5}\t-\d{4,5}\t\/\n1 name new, 1 name changed, 1 name renamed\n$/);
    const records = (await shell('diff', '--json')).stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      records.map(({ change: kind, path, from }) => [kind, path, from]),
      [
        ['changed', '/d/b', undefined],
        ['renamed', '/d/moved', '/d/sub'],
        ['added', '/d/new', undefined],
        [undefined, undefined, undefined],
      ],
    );
    for (const [commands, status, says] of [
      ['diff', 0, /^$/],
      ['diff --exit-code', 1, /^diff: 3 differences/m],
      ['diff --exit-code @2; pwd', 0, /^$/],
      ['diff nothing', 1, /nothing/],
      ['diff @9', 10, /no such state/],
      ['diff --stat -u', 2, /exclude/],
      [`diff d file:${local}/missing`, 1, /no such file/i],
      [`cmp d/b file:${local}/b; pwd`, 0, /^$/],
      ['cmp d/b', 1, /differ at byte 50001/],
      ['cmp d/new d/moved/a', 1, /differ at byte 1$/m],
      ['cmp d d/new', 2, /it is a Dir/],
    ] as const) {
      const done = await shell(commands);
      assert.equal(done.status, status, `${commands}: ${done.report}`);
      assert.match(done.stderr, says, `${commands}: ${done.report}`);
    }
    assert.match((await shell('cp d/new d/newer; diff')).stdout, /^\+ \/d\/newer\t1\.0K$/m);
  });

  it('compares with another Store, whose Blocks are cut otherwise', async (t) => {
    const scratch = makeScratch(t);
    const local = scratch.mkdir('d');
    writeFileSync(`${local}/a`, makeRandom(2).bytes(300_000));
    writeFileSync(`${local}/b`, makeRandom(3).bytes(300_000));
    for (const [store, edges] of [
      ['one', ''],
      ['two', ',edges=16K:64K:256K'],
    ] as const) {
      const made = await vtftp(['-S', `datadir:${scratch.path(store)}${edges}`, '-c', `put ${local} d; quit`], { env: scratch.env });
      assert.equal(made.status, 0, made.report);
      writeFileSync(`${local}/b`, makeRandom(4).bytes(300_000));
    }
    const done = await vtftp(['-S', scratch.path('one'), '-c', `diff / ${scratch.path('two')}`], { env: scratch.env });
    const lines = done.stdout.split('\n').filter((line) => line.startsWith('M '));
    assert.deepEqual(lines, ['M /d/b\t293K, mtime'], done.report);
  });
});

function readLink(path: string): boolean {
  try {
    readFileSync(path);
    return false;
  } catch {
    return true;
  }
}
