import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { COMMANDS } from '../../commands/all-commands.ts';
import { octetsFromText, octetsToText } from '../../core/base/octets.ts';
import { skipReference } from '../../core/dirent/reference-skip.ts';
import { findCommand } from '../../shell/command-names.ts';
import { assignWords, parseOptions } from '../../shell/line/arguments.ts';
import { parseLine } from '../../shell/line/line.ts';
import { PROGRAM, run, vtftp } from '../support/program.ts';
import { PROJECT_ROOT } from '../support/project.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';

// Whoever learns from examples types them: each is one that the shell understands, and those that need no other machine are run.

const EXAMPLES = COMMANDS.flatMap(({ name, examples = [] }) => examples.map(({ line }) => ({ name, line })));

/** Names that stand for another machine, another user's place, what the reader is to fill in, or the script's own input. */
const ELSEWHERE =
  /ssh|\/mnt|\/srv|\/var\/log|unix:|tcp:|https:|…|\.\.\.|~\/live|^serve|^httpd|^share|^watch|^follow|^mount|^push|^pull|@yesterday|^put -(?: |$)/;

test('the examples of the help are lines that the shell understands', () => {
  for (const { name, line } of EXAMPLES) {
    for (const parsed of parseLine(octetsFromText(line), skipReference)) {
      const [first] = parsed.words;
      assert.ok(first !== undefined, line);
      const { command, calledAs } = findCommand(COMMANDS, octetsToText(first.text), false);
      const { words } = parseOptions(command, calledAs, parsed.words.slice(1));
      assert.doesNotThrow(() => assignWords(command, calledAs, words), `${name}: ${line}`);
    }
  }
});

/** A home with what the examples name, and a Store with three states of it. */
async function made(scratch: Scratch): Promise<{ readonly env: Record<string, string>; readonly cwd: string }> {
  const home = scratch.mkdir('home');
  for (const folder of ['docs', 'src', 'Documents', 'photos', 'mail']) mkdirSync(join(home, folder), { recursive: true });
  for (const file of [
    'docs/letter',
    'docs/a.pdf',
    'src/a.c',
    'src/a.o',
    'Documents/letter',
    'a.txt',
    'b.txt',
    'a.pdf',
    'backup.tar',
    'notes.txt',
    'invoice',
    'plan.ods',
    'photos/sea.jpg',
    'mail/inbox',
  ])
    writeFileSync(join(home, file), `todo ${file}\n`);
  const options = { env: { ...scratch.env, HOME: home, PAGER: 'cat' }, cwd: home };
  const put =
    'put docs; put docs theirs; put notes.txt a.pdf backup.tar invoice plan.ods .; mkdir texts; sync; touch one; sync; touch two; sync';
  const ran = await vtftp(['-q', '-c', put], options);
  assert.equal(ran.status, 0, ran.report);
  return options;
}

test('the examples of the help that need no other machine run', async (t) => {
  const options = await made(makeScratch(t));
  const lines = EXAMPLES.map(({ line }) => line).filter((line) => !ELSEWHERE.test(line));
  assert.ok(lines.length > 25, `${lines.length} are left`);
  const ran = await vtftp(['-q', '-b', '-'], {
    ...options,
    input: `set onerror continue\n${lines.map((line) => `cd @\nsync\n${line}`).join('\n')}\n`,
  });
  assert.equal(ran.stderr, '', ran.report);
});

test('the EXAMPLES of the manual run as they stand there, but for those that need another machine', async (t) => {
  const scratch = makeScratch(t);
  const options = await made(scratch);
  const bin = scratch.path('bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'vtftp'), `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`);
  chmodSync(join(bin, 'vtftp'), 0o755);
  const page = readFileSync(join(PROJECT_ROOT, 'man/vtftp.1.in'), 'utf8');
  const examples = page.slice(page.indexOf('.Sh EXAMPLES'), page.indexOf('.Sh SEE ALSO'));
  const lines = [...examples.matchAll(/^\.Dl (.*)$/gm)].map(([, line = '']) => line.replaceAll('\\(dq', '"').replaceAll('\\e', '\\'));
  const here = lines.filter((line) => !/ssh host|\[host\]|^\d+ \d+ |@7d|@yesterday/.test(line));
  assert.ok(here.length >= 4, lines.join('\n'));
  for (const line of here) {
    const ran = await run('/bin/sh', ['-c', line.replace('/tmp/again', scratch.path('again'))], {
      ...options,
      env: { ...options.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` },
    });
    assert.equal(ran.status, 0, `${line}\n${ran.report}`);
  }
});
