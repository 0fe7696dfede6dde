import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { describe, it } from 'node:test';
import { COMMANDS } from '../../commands/all-commands.ts';
import type { Command } from '../../commands/command.ts';
import type { ArgumentSpec } from '../../commands/words/argument-spec.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsFromText, octetsToBytes } from '../../core/base/octets.ts';
import { formatDirent } from '../../core/dirent/dirent-text.ts';
import type { Meta } from '../../core/dirent/meta.ts';
import type { StoredNode } from '../../core/import/import-node.ts';
import { PROGRAM } from '../support/program.ts';
import type { Scratch } from '../support/scratch.ts';
import { makeScratch } from '../support/scratch.ts';
import { openShellHere } from '../support/shells/shell-here.ts';

// A tree whose every text would do something to a terminal, under every command with every switch.

/** A title, a reset, C1 controls, a forged row, and what cannot be seen: zero width, order of octets, direction, tags. */
const EVIL = 'a\x1b]0;PWN\x07\x1bcb\x9b31m\x85\r\n\tforged\x7f\u200b\ufeff\u202e\u2066\u{e0041}\u00ad\u2028z';
const evil = octetsFromText(EVIL);
const notText = `\x1b\x9b\xff${evil}` as Octets;
/** What may not reach a terminal; a newline ends a row, and a tab a column. */
const RAW = /[\p{Cc}\p{Zl}\p{Zp}\p{DI}]/u;

const META: Meta = {
  mode: 0o644,
  user: evil,
  group: evil,
  mtimeNs: 1n,
  xattrs: new Map([
    [`user.${evil}` as Octets, octetsToBytes(evil)],
    ['user.mime_type' as Octets, octetsToBytes(evil)],
  ]),
};

const BLOCK = { kind: 'literal', span: 5, data: Buffer.from('text\n') } as const;

function evilEntries(): StoredNode[] {
  const named = (name: string): Octets => `${name}${evil}` as Octets;
  return [
    { kind: 'file', name: 'plain' as Octets, meta: META, block: BLOCK },
    { kind: 'file', name: named('f'), meta: META, block: BLOCK },
    { kind: 'file', name: notText, meta: META, block: BLOCK },
    { kind: 'symlink', name: named('s'), meta: META, target: evil },
    { kind: 'symlink', name: named('loop'), meta: META, target: named('loop') },
    { kind: 'fifo', name: named('p'), meta: META },
    { kind: 'dir', name: named('d'), meta: META, block: { kind: 'literal', span: 0, data: new Uint8Array(0) } },
  ];
}

/** Those that wait for somebody, or hand the terminal to another program. */
const NOT_RUN: ReadonlyMap<string, string> = new Map([
  ['mount', 'a mount stays'],
  ['serve', 'it waits for clients'],
  ['httpd', 'it waits for clients'],
  ['wait', 'it waits for tails'],
  ['less', 'a pager shows the content'],
  ['!', "it runs somebody's program"],
  ['lls', "it runs the system's ls"],
  ['watch', 'it goes on'],
  ['follow', 'it goes on'],
  ['clear', 'what it gives is for the terminal'],
]);

/** Switches for names that programs read, and to wait for more. */
const NOT_USED: ReadonlySet<string> = new Set(['null', 'follow']);

/** Words for an argument: what is there, and what is not. */
function wordsFor({ kind }: ArgumentSpec, scratch: Scratch): readonly string[] {
  const quoted = `$'${[...octetsToBytes(evil)].map((octet) => `\\x${octet.toString(16).padStart(2, '0')}`).join('')}'`;
  switch (kind) {
    case 'stored':
      return ['/h', '/h/*', `/h/absent${quoted}`];
    case 'local':
    case 'local directory':
    case 'mount':
      return [`${scratch.path('local')}`, `${scratch.path('local')}/*`, `/absent${quoted}`];
    default:
      return [quoted];
  }
}

/** Lines of a command: with nothing, with each sort of word for all of its arguments, and with most switches. */
function linesOf(command: Command, scratch: Scratch): string[] {
  const args = command.args ?? [];
  const switches = [
    '',
    ...(command.options ?? []).filter(({ name, value }) => value === undefined && !NOT_USED.has(name)).map(({ name }) => ` --${name}`),
  ];
  const words = [
    '',
    ...[0, 1, 2].map((which) => args.map((arg) => ` ${wordsFor(arg, scratch)[which] ?? wordsFor(arg, scratch)[0]}`).join('')),
    ...(args.length > 1 ? [0, 1].map((which) => ` ${wordsFor(args[0] as ArgumentSpec, scratch)[which] ?? ''} /h/plain`) : []),
  ];
  return switches.flatMap((option) => {
    const few = option === '' ? words : words.slice(0, 3);
    return [...new Set(few)].map((word) => `${command.name}${option}${word}`);
  });
}

async function makeStore(t: TestContext): Promise<{ scratch: Scratch; store: string }> {
  const scratch = makeScratch(t);
  const store = scratch.path('store');
  mkdirSync(scratch.path('local'));
  writeFileSync(Buffer.from(`${scratch.path('local')}/${evil}`, 'latin1'), 'text\n');
  await using shell = await openShellHere({ home: scratch.path('home'), store });
  const { tree } = shell.session;
  await tree.mkdir('/h' as Octets, META);
  for (const dirent of evilEntries()) await tree.bind(`/h/${dirent.name}` as Octets, dirent);
  await shell.finish();
  return { scratch, store };
}

/** Runs each line in a session of its own on the same Store, none of which records anything. */
async function runAll(t: TestContext, into: 'terminal' | 'json', check: (line: string, printed: string) => void): Promise<number> {
  const { scratch, store } = await makeStore(t);
  let count = 0;
  for (const command of COMMANDS) {
    if (NOT_RUN.has(command.name)) continue;
    await using shell = await openShellHere({ home: scratch.path('home'), store, into, localCwd: scratch.mkdir(`cwd-${count}`) });
    await shell.run(`alias kept "echo "$'${EVIL_ESCAPED}'`);
    for (const line of linesOf(command, scratch)) {
      const ending = new AbortController();
      const timer = setTimeout(() => ending.abort(), 20_000);
      const { stdout, stderr } = await shell.run(line, ending.signal);
      clearTimeout(timer);
      check(line, stdout.toString('utf8') + stderr);
      count++;
    }
  }
  return count;
}

const EVIL_ESCAPED = [...octetsToBytes(evil)].map((octet) => `\\x${octet.toString(16).padStart(2, '0')}`).join('');

describe('what strangers wrote reaches a terminal as escapes', () => {
  it('of every command, with every switch, on what is there and what is not', async (t) => {
    const count = await runAll(t, 'terminal', (line, printed) => {
      const found = RAW.exec(printed.replace(/[\n\t]/g, ' '));
      assert.equal(found, null, `${line}: U+${found?.[0].codePointAt(0)?.toString(16)} in ${JSON.stringify(printed)}`);
      assert.ok(!/^forged/m.test(printed), `${line}: a row is forged`);
    });
    assert.ok(count > 300, `${count} lines`);
  });

  it('as JSON every row is one object, in which they are escapes too', async (t) => {
    await runAll(t, 'json', (line, printed) => {
      assert.equal(RAW.exec(printed.replaceAll('\n', '')), null, line);
      for (const row of printed.split('\n')) if (row !== '') assert.doesNotThrow(() => JSON.parse(row), `${line}: ${row}`);
    });
  });

  it('in a terminal of its own, coloured', async (t) => {
    const { scratch, store } = await makeStore(t);
    const commands = 'ls -l /h; ls /h; tree; stat /h/*; inspect /h; find; du';
    const printed = execFileSync('python3', ['-c', IN_PTY, process.execPath, PROGRAM, '-S', store, '-c', commands], {
      env: { ...process.env, ...scratch.env, TERM: 'xterm' },
      encoding: 'utf8',
    });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are sequences
    const COLOUR = /\x1b\[[0-9;]*m/g;
    assert.match(printed, COLOUR);
    assert.equal(RAW.exec(printed.replace(COLOUR, '').replace(/\r\n|\t/g, ' ')), null);
  });

  it('a reference of a stranger is as harmless as a tree', async (t) => {
    const { scratch, store } = await makeStore(t);
    await using shell = await openShellHere({ home: scratch.path('home'), store, into: 'terminal' });
    for (const dirent of evilEntries()) {
      const { status } = await shell.run(`bind bound ${formatDirent(dirent)}; rm -r bound`);
      assert.equal(status, 0, dirent.kind);
    }
  });
});

/** Runs a program in a terminal of its own, and gives what came out of it. */
const IN_PTY = `
import os, pty, sys
sys.stdout.flush()
status = pty.spawn(sys.argv[1:])
sys.exit(os.waitstatus_to_exitcode(status))
`;
