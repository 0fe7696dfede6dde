import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMMANDS } from '../../../commands/all-commands.ts';
import { defineCommand } from '../../../commands/command.ts';
import { UsageError, VtError, type VtErrorCode } from '../../../core/base/errors.ts';
import { octetsFromText } from '../../../core/base/octets.ts';
import { systemError } from '../../../core/base/system/system-error.ts';
import { parseArgv } from '../../../shell/argv.ts';
import { findCommand, namesOf } from '../../../shell/command-names.ts';
import { exitStatusOf } from '../../../shell/exit-status.ts';
import { assignWords, parseOptions, usageLine } from '../../../shell/line/arguments.ts';
import { parseLine } from '../../../shell/line/line.ts';

const copy = defineCommand({
  name: 'copy',
  aliases: ['dup'],
  group: 'change',
  summary: 'copy',
  args: [
    { name: 'from', kind: 'stored', summary: 'what', repeat: true },
    { name: 'to', kind: 'stored', summary: 'where', optional: true },
  ],
  options: [
    { name: 'all', short: 'a', summary: 'all' },
    { name: 'recursive', short: 'r', alsoShort: 'R', summary: 'below' },
    { name: 'lines', short: 'n', value: { name: 'N', kind: 'number' }, summary: 'count' },
    { name: 'mode', short: 'm', aliases: ['permissions'], value: { name: 'MODE', kind: 'text' }, summary: 'mode' },
  ],
  run: async () => undefined,
});

const sift = defineCommand({
  name: 'sift',
  group: 'move',
  summary: 'sift',
  options: [
    { name: 'take', value: { name: 'P', kind: 'text' }, repeat: true, summary: 'take' },
    { name: 'skip', short: 'x', value: { name: 'P', kind: 'text' }, repeat: true, summary: 'skip' },
    { name: 'loud', short: 'v', repeat: true, summary: 'loud' },
  ],
  run: async () => undefined,
});

function parsed(line: string) {
  const words = parseLine(octetsFromText(`copy ${line}`), () => undefined)[0]?.words.slice(1) ?? [];
  const { options, words: rest, isHelp } = parseOptions(copy, 'copy', words);
  return { options: Object.fromEntries(options), words: rest, isHelp };
}

const OPTIONS: readonly { readonly line: string; readonly options: object; readonly rest: readonly string[] }[] = [
  { line: 'x -a y', options: { all: true }, rest: ['x', 'y'] },
  { line: '-aRn5 x', options: { all: true, recursive: true, lines: '5' }, rest: ['x'] },
  { line: '-n 5 x', options: { lines: '5' }, rest: ['x'] },
  { line: '-5 x', options: { lines: '5' }, rest: ['x'] },
  { line: '--lines=-5 --MODE 0755 x', options: { lines: '-5', mode: '0755' }, rest: ['x'] },
  { line: '--permissions=a=r x', options: { mode: 'a=r' }, rest: ['x'] },
  { line: 'x -- -a --all', options: {}, rest: ['x', '-a', '--all'] },
  { line: "x '-a' - \\-r", options: { all: true, recursive: true }, rest: ['x', '-'] },
  { line: 'x -- \'-a\' "-r"', options: {}, rest: ['x', '-a', '-r'] },
];

for (const { line, options, rest } of OPTIONS) {
  test(`options: ${line}`, () => {
    const found = parsed(line);
    assert.deepEqual(found.options, options);
    assert.deepEqual(
      found.words.map(({ text }) => text),
      rest,
    );
  });
}

test('options that repeat are given in the order of the line, however they are written', () => {
  const words = parseLine(octetsFromText("sift -x a --take=b x '-x' 'c d' -vvx e --TAKE +f"), () => undefined)[0]?.words.slice(1) ?? [];
  const { options, repeated, words: rest } = parseOptions(sift, 'sift', words);
  assert.deepEqual(
    repeated.map(({ name, value }) => `${name}:${String(value)}`),
    ['skip:a', 'take:b', 'skip:c d', 'loud:true', 'loud:true', 'skip:e', 'take:+f'],
  );
  assert.deepEqual(Object.fromEntries(options), { skip: 'e', take: '+f', loud: true });
  assert.deepEqual(
    rest.map(({ text }) => text),
    ['x'],
  );
  assert.equal(usageLine(sift), 'sift [-v] [--take=P]... [-x P]...');
});

const REFUSED: readonly { readonly line: string; readonly says: RegExp }[] = [
  { line: '--al x', says: /unknown option --al/ },
  { line: '-z x', says: /unknown option -z/ },
  { line: '--all=1 x', says: /takes no value/ },
  { line: 'x --mode', says: /--mode needs a value/ },
  { line: '-n five x', says: /expected a number, got "five"/ },
];

for (const { line, says } of REFUSED) {
  test(`options refused: ${line}`, () =>
    assert.throws(
      () => parsed(line),
      (error) => error instanceof UsageError && says.test(error.message),
    ));
}

test('--help is known to every command and wins', () => assert.equal(parsed('--help').isHelp, true));

test('a misspelt option is told what it may mean', () => {
  assert.throws(
    () => parsed('--recursiv x'),
    (error) => error instanceof UsageError && /--recursive/.test(error.remedy ?? ''),
  );
});

const ASSIGNED: readonly { readonly line: string; readonly to: string }[] = [
  { line: 'a', to: 'from' },
  { line: 'a b', to: 'from to' },
  { line: 'a b c d', to: 'from from from to' },
];

for (const { line, to } of ASSIGNED) {
  test(`arguments find their places: ${line}`, () => {
    const { words } = parsed(line);
    assert.equal(
      assignWords(copy, 'copy', words)
        .map(({ spec }) => spec.name)
        .join(' '),
      to,
    );
  });
}

test('too few and too many arguments are usage errors which show the usage', () => {
  const { words } = parsed('a b');
  assert.throws(
    () => assignWords(copy, 'copy', []),
    (error) => error instanceof UsageError && /which file\? FROM is missing/.test(error.message) && /usage: copy/.test(error.remedy ?? ''),
  );
  const { args: _, ...none } = copy;
  assert.throws(() => assignWords(none, 'copy', words), /too many arguments: "a"/);
});

test('names match whatever their case; unique prefixes only at a terminal', () => {
  assert.equal(findCommand(COMMANDS, 'MkDir', false).command.name, 'mkdir');
  assert.equal(findCommand(COMMANDS, 'DIR', false).command.name, 'ls');
  assert.equal(findCommand(COMMANDS, 'mkd', true).command.name, 'mkdir');
  assert.throws(() => findCommand(COMMANDS, 'mkd', false), /no such command/);
  assert.throws(() => findCommand(COMMANDS, 'l', true), /ambiguous/);
});

test('every name of every command means that command alone, and each has a summary without a full stop', () => {
  const seen = new Map<string, string>();
  for (const command of COMMANDS) {
    assert.match(command.summary, /^[^A-Z].*[^.]$/, command.name);
    for (const name of namesOf(command)) {
      assert.equal(name, name.toLowerCase());
      assert.equal(seen.get(name), undefined, `${name} is both ${command.name} and ${seen.get(name)}`);
      seen.set(name, command.name);
    }
    const letters = (command.options ?? []).flatMap(({ short, alsoShort }) => [...(short ?? ''), ...(alsoShort ?? '')]);
    assert.equal(new Set(letters).size, letters.length, `${command.name}: letters ${letters.join('')}`);
    assert.ok((command.args ?? []).filter(({ repeat }) => repeat === true).length <= 1, command.name);
  }
  for (const verb of 'open cd pwd ls tree stat cat head tail find du get put mkdir rmdir rm mv cp ln chmod chown touch bind inspect sync undo log lcd lpwd lls ! help history set alias source version quit'.split(
    ' ',
  )) {
    assert.ok(seen.has(verb), `no command ${verb}`);
  }
});

const STATUSES: Readonly<Record<VtErrorCode, number>> = {
  EPARSE: 13,
  EUSAGE: 2,
  EPARTIAL: 3,
  EOPEN: 10,
  EREADONLY: 11,
  ELOCKED: 11,
  EPERM: 12,
  EMISSING: 13,
  ECORRUPT: 13,
  ECANCELLED: 130,
  ECLOSED: 1,
  EUNSUPPORTED: 1,
  EFULL: 1,
  EFAILED: 1,
};

for (const [code, status] of Object.entries(STATUSES)) {
  test(`${code} ends with ${status}`, () => assert.equal(exitStatusOf(new VtError(code as VtErrorCode, 'x')), status));
}

test('system errors have the statuses of their kind, anything else is a failed command', () => {
  assert.equal(exitStatusOf(systemError(13, 'open')), 12);
  assert.equal(exitStatusOf(systemError(30, 'open')), 11);
  assert.equal(exitStatusOf(systemError(2, 'open')), 1);
  assert.equal(exitStatusOf(new TypeError('x')), 1);
  assert.equal(exitStatusOf('x'), 1);
});

test('argv: options stand anywhere, -c repeats in order', () => {
  const args = parseArgv(['-c', 'a', 'SRC', '-nqc', 'b', '--store=st', '--json', '--color', '--progress=json', '-i']);
  assert.deepEqual([args.commands, args.source, args.store], [['a', 'b'], 'SRC', 'st']);
  assert.deepEqual(
    [args.plan, args.quiet, args.json, args.color, args.progress, args.interactive],
    [true, true, true, 'always', 'json', true],
  );
  assert.equal(parseArgv(['--', '-x']).source, '-x');
  assert.equal(parseArgv(['-b', '-']).batch, '-');
});

for (const bad of [['-z'], ['--frob'], ['-S'], ['a', 'b'], ['--json=1'], ['--color=blue'], ['-S', 'a', '-S', 'b']]) {
  test(`argv refuses ${bad.join(' ')}`, () => assert.throws(() => parseArgv(bad), UsageError));
}
