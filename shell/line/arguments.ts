import type { Command } from '../../commands/command.ts';
import type { ArgumentSpec } from '../../commands/words/argument-spec.ts';
import { type OptionSpec, type OptionUse, optionNamed, valueName } from '../../commands/words/option-spec.ts';
import { type ReadOptions, readOptions } from '../../commands/words/read-options.ts';
import { UsageError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { optionElsewhere } from '../option-names.ts';
import type { Word } from './word.ts';

/** The words of a command sorted into options and arguments; globs are not expanded. */
export interface ParsedArguments {
  readonly options: ReadonlyMap<string, true | Octets>;
  /** Each use of an option that repeats, in order. */
  readonly repeated: readonly OptionUse[];
  readonly words: readonly Word[];
  /** `--help` was given: everything else is ignored. */
  readonly isHelp: boolean;
}

/** The arguments that a command takes when called by a name. */
export function argumentsOf(command: Command, calledAs: string): readonly ArgumentSpec[] {
  return command.aliasArgs?.[calledAs] ?? command.args ?? [];
}

const HELP: OptionSpec = { name: 'help', summary: 'print this help' };

/** The options that a command knows, `--help` included. */
export function optionsOf({ options = [] }: Command): readonly OptionSpec[] {
  return [...options, HELP];
}

/**
 * Takes the options out of a command's words. Quotes make no difference, as in sh and sftp.
 *
 * @param words - without the name
 * @throws {UsageError} for an option unknown, without its value, or with one it does not take
 */
export function parseOptions(command: Command, calledAs: string, words: readonly Word[]): ParsedArguments {
  const specs = optionsOf(command);
  const { uses, rest } =
    command.passesOptions === true
      ? passedOn(words)
      : readOptions(specs, words, {
          optionsFirst: command.optionsFirst === true,
          remedy: usageRemedy(command, calledAs),
          elsewhere: (option) => optionElsewhere(command.name, option),
          show: octetsToText,
        });
  return {
    options: new Map(uses.map(({ name, value }) => [name, value])),
    repeated: uses.filter(({ name }) => optionNamed(specs, name)?.repeat === true),
    words: rest,
    isHelp: uses.some(({ name }) => name === HELP.name),
  };
}

/** The words of a command that passes its options on: only `--help` is its own. */
function passedOn(words: readonly Word[]): ReadOptions<Octets, Word> {
  const rest = words.filter(({ text }) => text !== `--${HELP.name}`);
  return { uses: rest.length < words.length ? [{ name: HELP.name, value: true }] : [], rest };
}

/** A word together with the argument that it is for. */
export interface AssignedWord {
  readonly spec: ArgumentSpec;
  readonly word: Word;
}

/**
 * Gives each word its argument. The repeating argument takes the words that the others leave; arguments after it
 * take the last words. If there are too few words, optional arguments get none, the last one first.
 *
 * @param listed - names of the argument that repeats, from a list: the words are then for those after it
 * @throws {UsageError} for too few or too many words, or a word that should be a number
 */
export function assignWords(command: Command, calledAs: string, words: readonly Word[], listed?: readonly Octets[]): AssignedWord[] {
  if (listed !== undefined) return assignListed(command, calledAs, words, listed);
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
  // The repeating argument takes all words that are left; if there are too few words, optional arguments are dropped.
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

function assignListed(command: Command, calledAs: string, words: readonly Word[], listed: readonly Octets[]): AssignedWord[] {
  const specs = argumentsOf(command, calledAs);
  const at = specs.findIndex((spec) => spec.repeat === true);
  const spec = specs[at];
  if (spec === undefined) throw usage(command, calledAs, 'takes no list of names');
  const names = listed.map((text) => ({ spec, word: { text, quoted: new Uint8Array(text.length).fill(1), start: 0, end: 0 } }));
  const after = specs.slice(at + 1);
  if (words.length > after.length)
    throw usage(command, calledAs, `names come from the list, so "${octetsToText(words[0]?.text ?? ('' as Octets))}" is one too many`);
  return [...names, ...words.flatMap((word, i) => (after[i] === undefined ? [] : [{ spec: after[i], word }]))];
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
        `${option.short === undefined ? `[--${option.name}=${valueName(option.value)}]` : `[-${option.short} ${valueName(option.value)}]`}${more}`,
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

/** The error of a missing argument; for the first argument, as a question. */
function missing(command: Command, calledAs: string, spec: ArgumentSpec | undefined, given: number): UsageError {
  const name = (spec?.name ?? 'argument').toUpperCase();
  const isFile = given === 0 && (spec?.kind === 'local' || spec?.kind === 'stored') && spec.repeat === true;
  return usage(command, calledAs, `${isFile ? 'which file? ' : ''}${name} is missing`);
}

/** The longest usage line that an error shows: a longer one would hide what is wrong. */
const MAX_USAGE = 60;

function usage(command: Command, calledAs: string, what: string): UsageError {
  return new UsageError(what, { remedy: usageRemedy(command, calledAs) });
}

function usageRemedy(command: Command, calledAs: string): string {
  const whole = usageLine(command, calledAs);
  const short = [calledAs, '[options]', ...argumentTexts(command, calledAs)].join(' ');
  return `usage: ${whole.length <= MAX_USAGE ? whole : short}`;
}
