import { type OptionSpec, optionNamed } from '../commands/words/option-spec.ts';
import { readOptions, scanOptions } from '../commands/words/read-options.ts';
import { UsageError } from '../core/base/errors.ts';
import { largestOf } from '../core/base/lists.ts';
import { optionText } from './option-text.ts';

const PROGRESS_CHOICES = ['auto', 'always', 'never', 'json', 'store'] as const;
/** Shells that have a completion script. */
export const COMPLETED_SHELLS = ['bash', 'zsh', 'fish'] as const;
const COLOR_CHOICES = ['auto', 'always', 'never'] as const;

/** Every option of `vtftp`: for reading argv, for --help and for the man page. */
export const PROGRAM_OPTIONS: readonly OptionSpec[] = [
  {
    short: 'c',
    name: 'command',
    value: { name: 'COMMANDS', kind: 'text' },
    repeat: true,
    summary: 'run COMMANDS and end; may be given several times',
  },
  { short: 'b', name: 'batch', value: { name: 'FILE', kind: 'local' }, summary: 'run the script FILE, or standard input for -, and end' },
  { short: 'i', name: 'interactive', summary: 'show the prompt after the commands' },
  {
    short: 'S',
    name: 'store',
    value: { name: 'STORE', kind: 'store' },
    summary: 'use STORE: a specification, a path such as ./store, or a clause of the configuration',
  },
  { short: 'w', name: 'write', summary: 'let scripts and -c change an ordinary directory opened as SOURCE' },
  { short: 'n', name: 'plan', summary: 'plan: print what commands would do, and do nothing' },
  {
    short: 'q',
    name: 'quiet',
    summary:
      'print no warnings, no progress and no reports of put, get, push, pull, undo and redo; print the Dirref only after quit or sync',
  },
  { short: 'x', name: 'echo', summary: 'echo each command on standard error before it runs' },
  { name: 'trace-wire', summary: 'print each packet of a connection to a Store on standard error' },
  { name: 'json', summary: 'print results and errors as JSON, one object a line' },
  {
    name: 'progress',
    value: { name: 'WHEN', kind: 'text', choices: PROGRESS_CHOICES, bare: 'always' },
    summary: 'when to show progress: auto, always, never, json, or store (the bytes that pass through the Store)',
  },
  {
    name: 'color',
    aliases: ['colour'],
    value: { name: 'WHEN', kind: 'text', choices: COLOR_CHOICES, bare: 'always' },
    summary: 'when to use colours: auto, always or never',
  },
  { name: 'rc', value: { name: 'FILE', kind: 'local' }, summary: 'run FILE first, in place of the usual rc file' },
  { name: 'config', value: { name: 'FILE', kind: 'local' }, summary: 'read FILE in place of the usual configuration' },
  {
    name: 'completion',
    value: { name: 'SHELL', kind: 'text', choices: COMPLETED_SHELLS },
    summary: 'print a script that completes command lines of vtftp in bash, zsh or fish',
  },
  { name: 'schema', summary: 'print the JSON Schema of the objects that --json prints' },
  { short: 'h', name: 'help', summary: 'print this help' },
  { short: 'V', name: 'version', summary: 'print the version' },
];

/** The parsed argv. */
export interface ProgramArguments {
  /** `-c`, in order; the one command that argv ends in. */
  readonly commands: readonly string[];
  /** That command, where it is one of argv. */
  readonly typed?: string;
  /** `-b`: a path, or `-`. */
  readonly batch: string | undefined;
  readonly interactive: boolean;
  readonly store: string | undefined;
  /** `--write`: an ordinary directory may be changed without a prompt. */
  readonly write: boolean;
  readonly plan: boolean;
  readonly quiet: boolean;
  readonly echo: boolean;
  readonly traceWire: boolean;
  readonly json: boolean;
  readonly progress: (typeof PROGRESS_CHOICES)[number];
  readonly color: (typeof COLOR_CHOICES)[number];
  readonly rc: string | undefined;
  readonly config: string | undefined;
  readonly completion: (typeof COMPLETED_SHELLS)[number] | undefined;
  readonly schema: boolean;
  readonly help: boolean;
  readonly version: boolean;
  readonly source: string | undefined;
  /** The option or variable that named the Store and the configuration: `-S`, `VTFTP_STORE`; undefined without one. */
  readonly namedBy: { readonly store: string | undefined; readonly config: string | undefined };
}

/** The remedy in errors of argv. */
const REMEDY = 'vtftp --help';

/**
 * Where the words of a command may begin in argv: at the first that is no option of the program, where it could be the name of a
 * command. Options after it are the command's own.
 *
 * @returns its index; undefined where there is none
 */
export function commandAt(args: readonly string[]): number | undefined {
  const { rest } = scanOptions(
    PROGRAM_OPTIONS,
    args.map((text) => ({ text })),
    { ...RULES, optionsFirst: true },
  );
  const at = args.length - rest.length;
  return args[at - 1] === '--' || !/^([a-z][a-z0-9-]*|!)$/.test(args[at] ?? '') ? undefined : at;
}

/** Rules for reading the options of argv. */
const RULES = { remedy: REMEDY, show: (text: string): string => text.toWellFormed() };

/**
 * Reads argv, in which options may be anywhere before `--`.
 *
 * @param args - without the interpreter and the program; an octet that is not UTF-8 is a lone surrogate
 * @throws {UsageError} for unknown or contradictory arguments
 */
export function parseArgv(args: readonly string[]): ProgramArguments {
  const { uses, rest } = readOptions(
    PROGRAM_OPTIONS,
    args.map((text) => ({ text })),
    RULES,
  );
  const given = new Map<string, string[]>();
  for (const { name, value } of uses) {
    const earlier = given.get(name) ?? [];
    if (value === true) {
      given.set(name, earlier);
      continue;
    }
    if (!value.isWellFormed() && name !== 'command')
      throw new UsageError(`option --${name}: "${value.toWellFormed()}" is not UTF-8`, {
        remedy: 'only SOURCE and -c may have other bytes',
      });
    if (earlier.length > 0 && optionNamed(PROGRAM_OPTIONS, name)?.repeat !== true)
      throw new UsageError(`option --${name} is given twice`, { remedy: REMEDY });
    given.set(name, [...earlier, value]);
  }
  const one = (long: string): string | undefined => given.get(long)?.[0];
  // `#!/usr/bin/env -S vtftp -b` hands over the script's own arguments after its name.
  const [source, extra] = rest.map(({ text }) => text);
  if (extra !== undefined) throw new UsageError(`"${extra}": only one SOURCE can be opened`, { remedy: REMEDY });
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
    progress: choice(one('progress'), PROGRESS_CHOICES),
    color: choice(one('color'), COLOR_CHOICES),
    rc: one('rc'),
    config: one('config'),
    completion: COMPLETED_SHELLS.find((shell) => shell === one('completion')),
    schema: given.has('schema'),
    help: given.has('help'),
    version: given.has('version'),
    source,
    namedBy: { store: given.has('store') ? '-S' : undefined, config: given.has('config') ? '--config' : undefined },
  };
}

/** Fills in from the environment what argv leaves open. An empty variable counts as unset. */
export function withEnvironment(args: ProgramArguments, env: Readonly<Record<string, string | undefined>>): ProgramArguments {
  const set = (name: string): string | undefined => (env[name] === '' ? undefined : env[name]);
  const [store, config] = [set('VTFTP_STORE'), set('VTFTP_CONFIG')];
  return {
    ...args,
    store: args.store ?? store,
    config: args.config ?? config,
    namedBy: {
      store: args.namedBy.store ?? (store === undefined ? undefined : 'VTFTP_STORE'),
      config: args.namedBy.config ?? (config === undefined ? undefined : 'VTFTP_CONFIG'),
    },
  };
}

function choice<T extends string>(value: string | undefined, choices: readonly [T, ...T[]]): T {
  return choices.find((known) => known === value) ?? choices[0];
}

/** The text of `vtftp --help`. */
export function programHelp(): string {
  const rows = PROGRAM_OPTIONS.map(
    (option) => [`${option.short === undefined ? '    ' : ''}${optionText(option)}`, option.summary] as const,
  );
  const width = largestOf(rows.map(([left]) => left.length));
  return [
    'usage: vtftp [options] [SOURCE]',
    '       vtftp [options] COMMAND [ARGUMENT...]',
    '',
    'A shell over a tree of files that is kept as content-addressed blocks. SOURCE is what to open: a Dirref (D{…}), a block',
    'reference (B{…}), an x-vt: URI, a Store or STORE@ARCHIVE, a .vt archive file (FILE@N, FILE@DATE), an ordinary directory,',
    'or a running mount (its mount point or control socket). Without SOURCE, vtftp opens the newest tree of the Store.',
    'COMMAND is one command of the shell, as with -c; its words are not expanded again.',
    '',
    'options:',
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
    '',
    'Type help at the prompt for the commands, or see vtftp(1).',
  ].join('\n');
}
