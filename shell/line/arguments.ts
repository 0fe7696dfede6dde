import type { ArgumentSpec, Command, OptionSpec, OptionUse } from '../../commands/command.ts';
import { UsageError } from '../../core/base/errors.ts';
import { appendAll } from '../../core/base/lists.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { suggest } from '../command-names.ts';
import type { Word } from './word.ts';

/** The words of a command sorted into options and arguments; globs stand as they were written. */
export interface ParsedArguments {
  readonly options: ReadonlyMap<string, true | Octets>;
  /** Each use of an option that repeats, in order. */
  readonly repeated: readonly OptionUse[];
  readonly words: readonly Word[];
  /** `--help` was among the options: nothing else counts. */
  readonly isHelp: boolean;
}

/** The arguments that a command takes when called by a name. */
export function argumentsOf(command: Command, calledAs: string): readonly ArgumentSpec[] {
  return command.aliasArgs?.[calledAs] ?? command.args ?? [];
}

/**
 * Takes the options out of a command's words: anywhere before `--`, short ones in clusters, values as `-n5`, `-n 5`,
 * `--lines=5` or `--lines 5`; a long name after one dash where no short option begins so (`find -name X`). Quotes make no
 * difference, as in sh and sftp. Where a command has a number option with the letter n, `-5` means `-n5`.
 *
 * @param words - without the name
 * @throws {UsageError} for an option unknown, without its value, or with one it does not take
 */
export function parseOptions(command: Command, calledAs: string, words: readonly Word[]): ParsedArguments {
  const options = new Map<string, true | Octets>();
  const repeated: OptionUse[] = [];
  const give: GiveOption = (spec, value) => {
    options.set(spec.name, value);
    if (spec.repeat === true) repeated.push({ name: spec.name, value });
  };
  const rest: Word[] = [];
  const specs = command.options ?? [];
  let isHelp = false;
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (word === undefined) break;
    const isOption = (command.passesOptions !== true || word.text === '--help') && word.text.startsWith('-') && word.text !== '-';
    if (!isOption) {
      rest.push(word);
      if (command.optionsFirst !== true || command.passesOptions === true) continue;
      appendAll(rest, words.slice(i + 1));
      break;
    }
    if (word.text === '--') {
      appendAll(rest, words.slice(i + 1));
      break;
    }
    if (word.text === '--help') {
      isHelp = true;
      continue;
    }
    const takeNext = (option: string): Octets => {
      const next = words[++i];
      if (next === undefined) throw usage(command, calledAs, `option ${option} needs a value`);
      return next.text;
    };
    if (word.text.startsWith('--')) readLong(command, calledAs, specs, word.text, give, takeNext);
    else readCluster(command, calledAs, specs, word.text, give, takeNext);
  }
  return { options, repeated, words: rest, isHelp };
}

/** Takes one use of an option. */
type GiveOption = (spec: OptionSpec, value: true | Octets) => void;

function readLong(
  command: Command,
  calledAs: string,
  specs: readonly OptionSpec[],
  text: Octets,
  give: GiveOption,
  takeNext: (option: string) => Octets,
): void {
  const equals = text.indexOf('=');
  const name = text.slice(2, equals < 0 ? undefined : equals).toLowerCase();
  const spec = specs.find((option) => option.name === name || option.aliases?.includes(name));
  if (spec === undefined) {
    const near = suggest(name, ['help', ...specs.flatMap((option) => [option.name, ...(option.aliases ?? [])])]);
    throw usage(
      command,
      calledAs,
      `unknown option --${octetsToText(name as Octets)}`,
      near.length > 0 ? `did you mean --${near[0]}?` : undefined,
    );
  }
  const given = equals < 0 ? undefined : (text.slice(equals + 1) as Octets);
  if (spec.value === undefined) {
    if (given !== undefined) throw usage(command, calledAs, `option --${name} takes no value`);
    give(spec, true);
  } else give(spec, checkedValue(command, calledAs, spec, given ?? takeNext(`--${name}`)));
}

function readCluster(
  command: Command,
  calledAs: string,
  specs: readonly OptionSpec[],
  text: Octets,
  give: GiveOption,
  takeNext: (option: string) => Octets,
): void {
  const count = specs.find((option) => option.short === 'n' && option.value?.kind === 'number');
  if (count !== undefined && /^-\d+$/.test(text)) {
    give(count, text.slice(1) as Octets);
    return;
  }
  for (let at = 1; at < text.length; at++) {
    const letter = text[at] ?? '';
    const spec = specs.find((option) => option.short === letter || option.alsoShort?.includes(letter));
    if (spec === undefined && at === 1 && isLongName(specs, text.slice(1))) {
      // `find -name X`, as find(1) has it.
      readLong(command, calledAs, specs, `-${text}` as Octets, give, takeNext);
      return;
    }
    if (spec === undefined) {
      throw usage(command, calledAs, `unknown option -${octetsToText(letter as Octets)}`);
    }
    if (spec.value === undefined) {
      give(spec, true);
      continue;
    }
    const attached = text.slice(at + 1) as Octets;
    give(spec, checkedValue(command, calledAs, spec, attached === '' ? takeNext(`-${letter}`) : attached));
    return;
  }
}

function isLongName(specs: readonly OptionSpec[], text: string): boolean {
  const [name] = text.toLowerCase().split('=', 1);
  return specs.some((option) => option.name === name || option.aliases?.includes(name ?? '') === true);
}

function checkedValue(command: Command, calledAs: string, spec: OptionSpec, value: Octets): Octets {
  if (spec.value?.kind === 'number' && !/^[+-]?\d+$/.test(value)) {
    throw usage(command, calledAs, `option --${spec.name} needs a number, got "${octetsToText(value)}"`);
  }
  return value;
}

/** A word together with the argument that it is for. */
export interface AssignedWord {
  readonly spec: ArgumentSpec;
  readonly word: Word;
}

/**
 * Gives each word its argument. The one that repeats takes what those before and after it leave; arguments after it
 * take the last words. Optional ones go without, the last first.
 *
 * @throws {UsageError} for too few or too many words, or a number that is none
 */
export function assignWords(command: Command, calledAs: string, words: readonly Word[]): AssignedWord[] {
  const specs = argumentsOf(command, calledAs);
  if (words.length === 0 && command.standsAlone === true) return [];
  const required = specs.filter((spec) => spec.optional !== true);
  if (words.length < required.length) throw missing(command, calledAs, required[words.length], words.length);
  const repeated = specs.findIndex((spec) => spec.repeat === true);
  if (repeated < 0 && words.length > specs.length) {
    const extra = words[specs.length];
    throw usage(command, calledAs, `too many arguments: "${octetsToText(extra?.text ?? ('' as Octets))}"`);
  }
  const used = [...specs];
  // The repeated argument stands for as many as are left; while there are too few words, optional ones go.
  while (used.length > words.length) {
    const dropped = used.findLastIndex((spec) => spec.optional === true);
    if (dropped < 0) break;
    used.splice(dropped, 1);
  }
  const at = used.findIndex((spec) => spec.repeat === true);
  const extra = words.length - used.length;
  return words.map((word, i) => {
    const index = at < 0 || i <= at ? i : Math.max(at, i - extra);
    const spec = used[index];
    if (spec === undefined) throw usage(command, calledAs, 'too many arguments');
    if (spec.kind === 'number' && !/^[+-]?\d+$/.test(word.text))
      throw usage(command, calledAs, `${spec.name} must be a number, got "${octetsToText(word.text)}"`);
    return { spec, word };
  });
}

/** `cp [-r] FROM... TO`: how a command is called, in one line. */
export function usageLine(command: Command, calledAs = command.name): string {
  const parts = [calledAs];
  const flags = (command.options ?? [])
    .filter((option) => option.short !== undefined && option.value === undefined)
    .map((option) => option.short);
  if (flags.length > 0) parts.push(`[-${flags.join('')}]`);
  for (const option of command.options ?? []) {
    const more = option.repeat === true ? '...' : '';
    if (option.value !== undefined)
      parts.push(
        `${option.short === undefined ? `[--${option.name}=${option.value.name}]` : `[-${option.short} ${option.value.name}]`}${more}`,
      );
    else if (option.short === undefined) parts.push(`[--${option.name}]`);
  }
  return [...parts, ...argumentTexts(command, calledAs)].join(' ');
}

function argumentTexts(command: Command, calledAs: string): string[] {
  return argumentsOf(command, calledAs).map((spec) => {
    const name = `${spec.name.toUpperCase()}${spec.repeat === true ? '...' : ''}`;
    return spec.optional === true ? `[${name}]` : name;
  });
}

/** The error of an argument that is not there; where it is the first, as a question. */
function missing(command: Command, calledAs: string, spec: ArgumentSpec | undefined, given: number): UsageError {
  const name = (spec?.name ?? 'argument').toUpperCase();
  const isFile = given === 0 && (spec?.kind === 'local' || spec?.kind === 'stored') && spec.repeat === true;
  return usage(command, calledAs, `${isFile ? 'which file? ' : ''}${name} is missing`);
}

/** The longest usage line that an error shows: a longer one would hide what is wrong. */
const MAX_USAGE = 60;

function usage(command: Command, calledAs: string, what: string, remedy?: string): UsageError {
  const whole = usageLine(command, calledAs);
  const short = [calledAs, '[options]', ...argumentTexts(command, calledAs)].join(' ');
  return new UsageError(what, { remedy: remedy ?? `usage: ${whole.length <= MAX_USAGE ? whole : short}` });
}
