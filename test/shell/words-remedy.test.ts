import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { vtftp } from '../support/program.ts';
import { makeScratch } from '../support/scratch.ts';

/** Lines that fail, and the end of their last message. */
const LINES: readonly (readonly [line: string, told: string])[] = [
  ['cp my photos copy', "cp: /copy is not a Dir; several names need one (quote a name with spaces: 'my photos')"],
  ['cd my photos', 'cd: too many arguments: "photos" (quote a name with spaces: \'my photos\')'],
  ['ls -l my  two  spaces', "(quote a name with spaces: 'my  two  spaces')"],
  ['rm -r my photos', "rm: nothing done, all 2 items failed (quote a name with spaces: 'my photos')"],
  ['get my photos/2024 x', "(quote a name with spaces: 'my photos/2024')"],
  ['put -r here there be', "(quote a name with spaces: 'here there')"],
  ['lcd here there', "(quote a name with spaces: 'here there')"],
  ['put -dash', 'put: unknown option -d (to name the file: ./-dash)'],
  ['rm -dash', 'rm: unknown option -d (to name the file: ./-dash)'],
  ["cat 'my' photos", 'cat: nothing done, all 2 items failed'],
  ['rm -rf photos/..', 'rm: photos/..: invalid argument (name the Dir)'],
  ['cat none x/../none', 'cat: nothing done, all 2 items failed'],
  ['cat none photos', 'cat: nothing done, all 2 items failed'],
  ['rm -d', 'rm: unknown option -d (usage: rm [-rf] [--files-from0=FILE] PATH...)'],
];

test('a command that failed over an unquoted name with spaces, or one with a dash, tells how to write it', async (t) => {
  const { env, folder, path } = makeScratch(t);
  mkdirSync(path('here there'));
  writeFileSync(path('-dash'), '');
  const options = { env, cwd: folder };
  const store = ['-q', '-S', path('store')];
  const made = await vtftp([...store, '-c', "mkdir -p 'my photos/2024' 'my  two  spaces'; put ./-dash"], options);
  assert.equal(made.status, 0, made.report);
  for (const [line, told] of LINES) {
    const ran = await vtftp([...store, '-c', line], options);
    assert.ok(ran.stderr.trimEnd().endsWith(told), `${line}\n${ran.report}`);
  }
  const { stderr } = await vtftp([...store, '--json', '-c', 'cd my photos'], options);
  assert.equal((JSON.parse(stderr) as { remedy: string }).remedy, "quote a name with spaces: 'my photos'");
});
