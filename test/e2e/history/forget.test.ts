import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Run } from '../../support/program.ts';
import { vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';

/** A Store with five states, each with a file of its own of 200 KB. */
async function states(scratch: Scratch): Promise<(commands: string, ...options: string[]) => Promise<Run>> {
  const local = scratch.mkdir('d');
  const shell = async (commands: string, ...options: string[]): Promise<Run> =>
    await vtftp(['-S', scratch.path('store'), ...options, '-c', commands], { env: scratch.env, cwd: scratch.folder });
  let script = '';
  for (let number = 1; number <= 5; number++) {
    writeFileSync(`${local}/${number}`, makeRandom(number).bytes(200_000));
    const lone = scratch.mkdir(`lone${number}`);
    writeFileSync(`${lone}/${number}`, readFileSync(`${local}/${number}`));
    script += `put lone${number} d; sync; `;
    rmSync(`${local}/${number}`);
  }
  const done = await shell(script);
  assert.equal(done.status, 0, done.report);
  return shell;
}

describe('forget', () => {
  it('lets go of what no rule keeps, never of the newest nor of what is protected; gc then frees it', async (t) => {
    const scratch = makeScratch(t);
    const shell = await states(scratch);
    const planned = await shell('forget -n --keep-last 2; log -l');
    assert.equal(planned.status, 0, planned.report);
    assert.match(
      planned.stdout,
      /^@3 {4}\d{4}-\d\d-\d\d \d\d:\d\d {2}forget\n@4 .* keep: last\n@5 .* keep: newest, last\nwould forget 3 states; 2 states would stay$/m,
    );
    assert.equal(planned.stdout.split('\n').filter((line) => /^@\d .*D\{/.test(line)).length, 5);
    const marked = await shell('protect @2; tag @1 first good; forget --keep-last 1 --keep-tag good; log');
    assert.equal(marked.status, 0, marked.report);
    assert.match(marked.stdout, /^@2: protected\n@1: @first @good\nforgot 2 states; 3 states stay$/m);
    assert.match(marked.stdout, /^@2 .*\[protected\]$/m);
    assert.match(marked.stdout, /^@1 .*\[@first @good\]$/m);
    const freed = await shell('gc --grace 0; cd @first; ls d; cd @2; ls d; cd @3; ls d; fsck');
    assert.equal(freed.status, 0, freed.report);
    assert.match(freed.stdout, /^freed (?:39|4\d\d)\dK|^freed \d{3}K/m, freed.report);
    assert.match(freed.stdout, /\n1\n2\n5\n/);
    const json = await shell('forget --keep-tag none', '--json');
    const records = json.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(records.pop()?.['changed'], false);
    assert.deepEqual(
      records.map(({ number, kept, reasons, forgotten }) => [number, kept, reasons ?? forgotten]),
      [
        [1, false, []],
        [2, true, ['protected']],
        [3, true, ['newest']],
        [undefined, 2, 1],
      ],
    );
    const end = await shell('gc --drop default@1');
    assert.equal(end.status, 1, end.report);
    assert.match(end.stderr, /it is protected \(unprotect @1\)/);
    assert.match((await shell('unprotect @1; forget --keep-last 1; undo; ls d')).stdout, /forgot 1 state; 1 state stays?/);
  });

  it('refuses what it cannot do, and finds tags wherever a state is named', async (t) => {
    const scratch = makeScratch(t);
    const shell = await states(scratch);
    const tagged = await shell(
      'tag @3 before-upgrade; diff --stat @before-upgrade; ls d@before-upgrade; tag -d @3 before-upgrade; tag newest; log -n 1',
    );
    assert.equal(tagged.status, 0, tagged.report);
    assert.match(
      tagged.stdout,
      /^\+200000\t-200000\t\/d\n.*\n1 name new, 1 name gone\n3\n@3: no tags, not protected\n@5: @newest\n@5 .*\[@newest\]$/m,
    );
    for (const [commands, status, says] of [
      ['forget', 2, /no rule says what to keep/],
      ['forget --keep-last 0', 2, /a number of 1 or more/],
      ['forget --keep-within soon', 2, /2y5m7d3h/],
      ['tag -d', 2, /which tag\? TAG is missing/],
      ['tag @3', 2, /which tag\? TAG is missing/],
      ['tag 2026', 2, /expected a letter/],
      ['tag yesterday', 2, /no date/],
      ['tag @9 x', 10, /no such state/],
      ['protect 3', 2, /expected @N/],
      ['cd @nothing', 2, /no state has that tag/],
    ] as const) {
      const refused = await shell(commands);
      assert.equal(refused.status, status, refused.report);
      assert.match(refused.stderr, says, refused.report);
    }
    assert.match((await shell('forget --keep-last 9')).stdout, /^forgot 0 states; 5 states stay$/m);
    // What another changes meanwhile is not mistaken for what was seen.
    const archive = scratch.path('store/archives/default.vt');
    const lines = readFileSync(archive, 'utf8').split('\n');
    assert.equal(lines.filter((line) => line.includes('N{')).length, 5, 'each line has notes');
  });
});
