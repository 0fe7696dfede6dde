import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Run } from '../../support/program.ts';
import { vtftp } from '../../support/program.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';

interface History {
  readonly scratch: Scratch;
  shell(commands: string, ...options: string[]): Promise<Run>;
}

/** Six states of a file: one, one, two, renamed with its Dir, three, gone. */
async function history(scratch: Scratch): Promise<History> {
  const local = scratch.mkdir('d');
  const shell = async (commands: string, ...options: string[]): Promise<Run> =>
    await vtftp(['-S', scratch.path('store'), ...options, '-c', commands], { env: scratch.env, cwd: scratch.folder });
  const record = async (): Promise<void> => {
    const done = await shell(`put ${local} d; quit`);
    assert.equal(done.status, 0, done.report);
  };
  mkdirSync(`${local}/old`);
  writeFileSync(`${local}/old/f`, 'one');
  await record();
  writeFileSync(`${local}/other`, 'x');
  await record();
  writeFileSync(`${local}/old/f`, 'two of it');
  await record();
  renameSync(`${local}/old`, `${local}/new`);
  await record();
  writeFileSync(`${local}/new/f`, 'three of them all');
  await record();
  rmSync(`${local}/new`, { recursive: true });
  await record();
  return { scratch, shell };
}

describe('versions of a path', () => {
  it('are listed with their number and their old names, and got all at once', async (t) => {
    const { scratch, shell } = await history(makeScratch(t));
    const listed = await shell('log d/new/f');
    const lines = listed.stdout
      .split('\n')
      .map((line) => line.replace(/ {2}\S+@\S+: put .*/, '').replace(/\d{4}-\d\d-\d\d[T ]\S+/, 'TIME'));
    assert.deepEqual(
      lines.map((line) => line.replace(/ +/g, ' ')),
      ['@6 TIME gone', '@5 TIME 17B', '@4 TIME 9B', '@3 TIME 9B was /d/old/f', '@1 TIME 3B (+1) was /d/old/f', ''],
      listed.report,
    );
    const alone = await shell('log --no-follow d/new/f', '--json');
    assert.deepEqual(
      alone.stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => (JSON.parse(line) as { number: number }).number),
      [6, 5, 4],
    );
    const target = scratch.mkdir('target');
    const got = await shell(`get --all-versions d/new/f ${target}`);
    assert.equal(got.status, 0, got.report);
    const contents = readdirSync(target)
      .sort()
      .map((name) => [name, readFileSync(`${target}/${name}`, 'utf8')]);
    assert.deepEqual(contents, [
      ['f@1', 'one'],
      ['f@3', 'two of it'],
      ['f@4', 'two of it'],
      ['f@5', 'three of them all'],
    ]);
    for (const [commands, says] of [
      [`get --all-versions d/nothing ${target}`, /no recorded state has it/],
      [`get --all-versions d/new/f ${target}/missing`, /not a directory|lmkdir/],
    ] as const) {
      const refused = await shell(commands);
      assert.equal(refused.status, 1, refused.report);
      assert.match(refused.stderr, says);
    }
  });

  it('come back into the tree, alone or of a state, with the Dirs above; undo takes it back', async (t) => {
    const { shell } = await history(makeScratch(t));
    const back = await shell('restore d/new/f; cat d/new/f; undo; ls d');
    assert.equal(back.status, 0, back.report);
    assert.match(back.stdout, /^restored \/d\/new\/f as in @5\nthree of them all[\s\S]*\nother$/m, back.report);
    assert.match((await shell('restore d@1/old/f; cat d/old/f; undo')).stdout, /^restored \/d\/old\/f as in @1\none/);
    assert.match((await shell('restore d/old@2 d/other@2; cat d/old/f d/other')).stdout, /onexD\{/);
    assert.match((await shell('restore d/old/f; cat d/old/f')).stdout, /two of itD\{/);
    assert.match((await shell('restore d/old/f@1; sync; restore d/old/f; cat d/old/f')).stdout, /two of itD\{/);
    assert.match((await shell('restore d/other@2', '-n')).stdout, /^would restore \/d\/other as in @2$/m);
    for (const [commands, status, says] of [
      ['restore d/none', 1, /no recorded state has it/],
      ['restore d/none@1', 1, /\/d\/none@1: no such file/],
      ['restore d@99', 10, /no such state/],
      ['restore /@1', 1, /undo @1 restores the whole tree/],
    ] as const) {
      const refused = await shell(commands);
      assert.equal(refused.status, status, refused.report);
      assert.match(refused.stderr, says, refused.report);
    }
  });
});
