import { UsageError } from '../core/base/errors.ts';
import { appendAll, largestOf } from '../core/base/lists.ts';

/** An option of the program itself. */
export interface ProgramOption {
  readonly short?: string;
  readonly long: string;
  /** Takes a value, shown under this name. */
  readonly value?: string;
  /** Of a long option with an optional value: what it means alone. */
  readonly bare?: string;
  readonly choices?: readonly string[];
  readonly repeat?: boolean;
  readonly summary: string;
}

/** Every option of `vtftp`: what argv is read by, and what --help and the man page show. */
export const PROGRAM_OPTIONS: readonly ProgramOption[] = [
  { short: 'c', long: 'command', value: 'COMMANDS', repeat: true, summary: 'run COMMANDS and end; may be given several times' },
  { short: 'b', long: 'batch', value: 'FILE', summary: 'run the script FILE, or standard input for -, and end' },
  { short: 'i', long: 'interactive', summary: 'show the prompt after the commands' },
  {
    short: 'S',
    long: 'store',
    value: 'STORE',
    summary: 'use STORE: a specification, a path such as ./store, or a clause of the configuration',
  },
  { short: 'w', long: 'write', summary: 'let scripts and -c change an ordinary directory that is opened as SOURCE' },
  { short: 'n', long: 'plan', summary: 'plan: print what would be done, and do nothing' },
  {
    short: 'q',
    long: 'quiet',
    summary:
      'print no warnings, no progress and no reports of put, get, push, pull, undo and redo; print the Dirref only after quit or sync',
  },
  { short: 'x', long: 'echo', summary: 'echo each command on standard error before it runs' },
  { long: 'trace-wire', summary: 'print each packet of a connection to a Store on standard error' },
  { long: 'json', summary: 'print results and errors as JSON, one object a line' },
  {
    long: 'progress',
    value: 'WHEN',
    bare: 'always',
    choices: ['auto', 'always', 'never', 'json', 'store'],
    summary: 'when to show progress: auto, always, never, json, or store (what goes through the Store)',
  },
  {
    long: 'color',
    value: 'WHEN',
    bare: 'always',
    choices: ['auto', 'always', 'never'],
    summary: 'when to use colours: auto, always or never',
  },
  { long: 'rc', value: 'FILE', summary: 'run FILE first, in place of the usual rc file' },
  { long: 'config', value: 'FILE', summary: 'read FILE in place of the usual configuration' },
  { short: 'h', long: 'help', summary: 'print this help' },
  { short: 'V', long: 'version', summary: 'print the version' },
];

/** More words than the one SOURCE: perhaps a command and its arguments. */
export class ExtraWordsError extends UsageError {
  readonly words: readonly string[];

  constructor(message: string, words: readonly string[]) {
    super(message, { remedy: 'vtftp --help' });
    this.words = words;
  }
}

/** What argv asks for. */
export interface ProgramArguments {
  /** `-c`, in order. */
  readonly commands: readonly string[];
  /** `-b`: a path, or `-`. */
  readonly batch: string | undefined;
  readonly interactive: boolean;
  readonly store: string | undefined;
  /** Changes of an ordinary directory are wanted where nobody is at a prompt. */
  readonly write: boolean;
  readonly plan: boolean;
  readonly quiet: boolean;
  readonly echo: boolean;
  readonly traceWire: boolean;
  readonly json: boolean;
  readonly progress: 'auto' | 'always' | 'never' | 'json' | 'store';
  readonly color: 'auto' | 'always' | 'never';
  readonly rc: string | undefined;
  readonly config: string | undefined;
  readonly help: boolean;
  readonly version: boolean;
  readonly source: string | undefined;
}

/**
 * Reads argv: options anywhere before `--`, short ones in clusters, `-cVALUE`, `-c VALUE`, `--long=VALUE`, `--long VALUE`.
 *
 * @param args - without the interpreter and the program; an octet that is not UTF-8 is a lone surrogate
 * @throws {UsageError} for what is not understood
 */
export function parseArgv(args: readonly string[]): ProgramArguments {
  const given = new Map<string, string[]>();
  const positional: string[] = [];
  const give = (option: ProgramOption, value: string): void => {
    if (option.choices !== undefined && !option.choices.includes(value)) {
      throw new UsageError(`option --${option.long}: "${value}" is not one of ${option.choices.join(', ')}`);
    }
    if (!value.isWellFormed() && option.long !== 'command')
      throw new UsageError(`option --${option.long}: "${value.toWellFormed()}" is not UTF-8`, {
        remedy: 'only SOURCE and commands may be other octets',
      });
    const values = given.get(option.long) ?? [];
    if (values.length > 0 && option.value !== undefined && option.repeat !== true)
      throw new UsageError(`option --${option.long} is given twice`);
    given.set(option.long, [...values, value]);
  };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    const next = (option: string): string => {
      const value = args[++i];
      if (value === undefined) throw new UsageError(`option ${option} needs a value`, { remedy: 'vtftp --help' });
      return value;
    };
    if (arg === '--') {
      appendAll(positional, args.slice(i + 1));
      break;
    }
    if (arg.startsWith('--')) readLong(arg, give, next);
    else if (arg.startsWith('-') && arg !== '-') readShort(arg, give, next);
    else positional.push(arg);
  }
  const one = (long: string): string | undefined => given.get(long)?.[0];
  // `#!/usr/bin/env -S vtftp -b` hands over the script's own arguments after its name.
  const [source, extra] = positional;
  if (extra !== undefined) throw new ExtraWordsError(`"${extra}": only one SOURCE can be opened`, positional);
  return {
    commands: given.get('command') ?? [],
    batch: one('batch'),
    interactive: given.has('interactive'),
    store: one('store'),
    write: given.has('write'),
    plan: given.has('plan'),
    quiet: given.has('quiet'),
    echo: given.has('echo'),
    traceWire: given.has('trace-wire'),
    json: given.has('json'),
    progress: choice(one('progress'), ['auto', 'always', 'never', 'json', 'store'], 'auto'),
    color: choice(one('color'), ['auto', 'always', 'never'], 'auto'),
    rc: one('rc'),
    config: one('config'),
    help: given.has('help'),
    version: given.has('version'),
    source,
  };
}

function choice<T extends string>(value: string | undefined, choices: readonly T[], fallback: T): T {
  return choices.find((known) => known === value) ?? fallback;
}

function readLong(arg: string, give: (option: ProgramOption, value: string) => void, next: (option: string) => string): void {
  const equals = arg.indexOf('=');
  const name = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
  const option = PROGRAM_OPTIONS.find(({ long }) => long === (name === 'colour' ? 'color' : name));
  if (option === undefined) throw new UsageError(`unknown option --${name}`, { remedy: 'vtftp --help' });
  if (option.value === undefined) {
    if (equals >= 0) throw new UsageError(`option --${name} takes no value`);
    give(option, '');
  } else if (equals >= 0) give(option, arg.slice(equals + 1));
  else give(option, option.bare ?? next(`--${name}`));
}

function readShort(arg: string, give: (option: ProgramOption, value: string) => void, next: (option: string) => string): void {
  for (let at = 1; at < arg.length; at++) {
    const letter = arg[at] ?? '';
    const option = PROGRAM_OPTIONS.find(({ short }) => short === letter);
    if (option === undefined) throw new UsageError(`unknown option -${letter}`, { remedy: 'vtftp --help' });
    if (option.value === undefined) {
      give(option, '');
      continue;
    }
    const attached = arg.slice(at + 1);
    give(option, attached === '' ? next(`-${letter}`) : attached);
    return;
  }
}

/** The text of `vtftp --help`. */
export function programHelp(): string {
  const rows = PROGRAM_OPTIONS.map(({ short, long, value, bare, summary }) => {
    const valueText = value === undefined ? '' : bare === undefined ? ` ${value}` : `=${value}`;
    return [`${short === undefined ? '    ' : `-${short}, `}--${long}${valueText}`, summary] as const;
  });
  const width = largestOf(rows.map(([left]) => left.length));
  return [
    'usage: vtftp [options] [SOURCE]',
    '',
    'A shell over a tree of files that is kept as content-addressed blocks. SOURCE is what to open: a Dirref (D{…}), a block',
    'reference (B{…}), an x-vt: URI, a Store or STORE@ARCHIVE, a .vt archive file (FILE@N, FILE@DATE), an ordinary directory,',
    'or a running mount (its mount point or control socket). Without SOURCE, vtftp opens the newest tree of the Store.',
    '',
    'options:',
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
    '',
    'Type help at the prompt for the commands, or see vtftp(1).',
  ].join('\n');
}
