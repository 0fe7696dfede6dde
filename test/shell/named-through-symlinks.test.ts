import assert from 'node:assert/strict';
import { linkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { vtftp } from '../support/program.ts';
import { makeScratch } from '../support/scratch.ts';

/** What GNU coreutils 9.1 do with the same lines. */
const CASES: readonly (readonly [says: string, made: string, line: string, status: number, left: string])[] = [
  ['rm -r of a Dir by way of a symlink in it leaves the Dir', 'mkdir d e; ln -s .. d/l; ln e/x d/x', 'rm -r d/l/d', 1, 'd e e/x'],
  ['rm -rf of such a Dir does the same, and that is no error', 'mkdir d e; ln -s .. d/l; ln e/x d/x', 'rm -rf d/l/d', 0, 'd e e/x'],
  ['rm -r by way of a symlink elsewhere removes the Dir', 'mkdir d e; ln -s .. e/l; ln e/x d/x', 'rm -r e/l/d', 0, 'e e/l e/x'],
  ['mv of a Dir to a new name with a slash', 'mkdir d', 'mv d new/', 0, 'new'],
  ['cp of a Dir to a new name with a slash', 'mkdir d', 'cp -r d new/', 0, 'd new'],
  ['mv of a file to a new name with a slash', 'mkdir e; ln e/x f', 'mv f new/', 1, 'e e/x f'],
  ['mv of several into a Dir by a symlink that is one of them', 'mkdir d e; ln -s d l', 'mv l e l', 0, 'd d/e d/e/x d/l'],
  ['mv of a symlink onto another name of what it leads to', 'mkdir e; ln e/x y; ln -s y l', 'mv l e/x', 0, 'e e/x y'],
  ['mv of a symlink onto the very name that it leads to', 'mkdir e; ln e/x y; ln -s y l', 'mv l y', 1, 'e e/x l y'],
];

for (const [says, made, line, status, left] of CASES) {
  test(`${says}, as the GNU programs do: ${line}`, async (t) => {
    const scratch = makeScratch(t);
    writeFileSync(scratch.path('x'), 'content');
    const run = (...commands: readonly string[]) =>
      vtftp(['-S', scratch.path('store'), '-c', commands.join('\n')], { env: scratch.env, cwd: scratch.folder });
    // A hard link needs something to link to: x is put where a case has it.
    const first = made.split('; ').flatMap((each) => (/^mkdir .*\be\b/.test(each) ? [each, 'put x e/x'] : [each]));
    const ready = await run(...first, 'quit');
    assert.equal(ready.status, 0, ready.report);
    const done = await run(line, 'quit');
    assert.equal(done.status, status, done.report);
    const found = await run('find .');
    const paths = found.stdout.split('\n').flatMap((path) => (/^\/./.test(path) ? [path.slice(1)] : []));
    assert.equal(paths.join(' '), left, found.report);
  });
}

test('put of a file with a slash after it and without puts it, and says what is wrong with the first', async (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('f'), 'content');
  linkSync(scratch.path('f'), scratch.path('g'));
  const done = await vtftp(['-S', scratch.path('store'), '-c', 'mkdir d; put f/ f d/; cat d/f'], { env: scratch.env, cwd: scratch.folder });
  assert.match(done.stderr, /f\/: not a directory/, done.report);
  const shown = await vtftp(['-S', scratch.path('store'), '-c', 'cat d/f'], { env: scratch.env, cwd: scratch.folder });
  assert.equal(shown.stdout, 'content', done.report);
});
