import { UsageError } from '../../core/base/errors.ts';
import { appendAll } from '../../core/base/lists.ts';
import type { OptionSpec, OptionUse } from './option-spec.ts';
import { optionNamed, optionNames } from './option-spec.ts';
import { checkValue } from './option-value.ts';
import { suggest } from './suggest.ts';

/** A word of a line, or of argv. */
interface TextWord<T extends string> {
  readonly text: T;
}

/** How words are read. */
export interface OptionRules<T extends string> {
  /** Options are only before the first argument. */
  readonly optionsFirst?: boolean;
  /** What an error says to do. */
  readonly remedy: string;
  /** What an error says to do about an option of another program; undefined if it is not known. */
  readonly elsewhere?: (option: string) => string | undefined;
  /** Text as messages show it. */
  readonly show: (text: T) => string;
}

/** Words sorted into options and arguments. */
export interface ReadOptions<T extends string, W> {
  /** Each use of an option, in order. */
  readonly uses: readonly OptionUse<true | T>[];
  readonly rest: readonly W[];
  /** The last word is an option whose value would be the next: the option, and how it was written. */
  readonly awaiting?: { readonly spec: OptionSpec; readonly shown: string };
}

/**
 * Takes the options out of words. They may be anywhere before `--`, short ones in clusters. Values are written `-n5`, `-n 5`,
 * `--lines=5` or `--lines 5`. A long name may follow one dash where no short option begins so (`find -name X`). Where a number
 * option has the letter n, `-5` means `-n5`.
 *
 * @throws {UsageError} for an option unknown, with a value that it does not take, or without one at the end
 */
export function readOptions<T extends string, W extends TextWord<T>>(
  specs: readonly OptionSpec[],
  words: readonly W[],
  rules: OptionRules<T>,
): ReadOptions<T, W> {
  const found = scanOptions(specs, words, rules);
  if (found.awaiting !== undefined) throw new UsageError(`option ${found.awaiting.shown} needs a value`, { remedy: rules.remedy });
  return found;
}

/** As {@link readOptions}, of a line that is not finished: the value of its last option may be yet to come. */
export function scanOptions<T extends string, W extends TextWord<T>>(
  specs: readonly OptionSpec[],
  words: readonly W[],
  rules: OptionRules<T>,
): ReadOptions<T, W> {
  const uses: OptionUse<true | T>[] = [];
  const rest: W[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (word === undefined) break;
    const { text } = word;
    if (text === '--') {
      appendAll(rest, words.slice(i + 1));
      break;
    }
    if (!text.startsWith('-') || text === '-') {
      rest.push(word);
      if (rules.optionsFirst !== true) continue;
      appendAll(rest, words.slice(i + 1));
      break;
    }
    for (const { spec, shown, value } of text.startsWith('--') ? [longOption(specs, text, rules)] : cluster(specs, text, rules)) {
      let taken = value;
      if (taken === undefined && spec.value !== undefined) {
        taken = (spec.value.bare as T | undefined) ?? words[++i]?.text;
        if (taken === undefined) return { uses, rest, awaiting: { spec, shown } };
      }
      if (taken !== undefined) checkValue(`option --${spec.name}`, spec, taken, rules);
      uses.push({ name: spec.name, value: taken ?? true });
    }
  }
  return { uses, rest };
}

/** An option in its written form. */
interface WrittenOption<T extends string> {
  readonly spec: OptionSpec;
  readonly shown: string;
  /** The value in the same word. */
  readonly value: T | undefined;
}

/** Options of the whole program, which users sometimes type after a command. */
const OF_THE_PROGRAM: ReadonlySet<string> = new Set(['color', 'json', 'progress', 'quiet']);

/** `--lines=5`. */
function longOption<T extends string>(
  specs: readonly OptionSpec[],
  text: T,
  { remedy, elsewhere, show }: OptionRules<T>,
): WrittenOption<T> {
  const equals = text.indexOf('=');
  const name = text.slice(2, equals < 0 ? undefined : equals).toLowerCase() as T;
  const spec = optionNamed(specs, name);
  const shown = `--${show(name)}`;
  if (spec === undefined) {
    if (OF_THE_PROGRAM.has(name)) throw new UsageError(`unknown option ${shown}`, { remedy: `it belongs to vtftp: vtftp ${shown} -c …` });
    const known = elsewhere?.(`--${name}`);
    const [near] = suggest(name, optionNames(specs));
    throw new UsageError(`unknown option ${shown}`, { remedy: known ?? (near === undefined ? remedy : `did you mean --${near}?`) });
  }
  const value = equals < 0 ? undefined : (text.slice(equals + 1) as T);
  if (value !== undefined && spec.value === undefined) throw new UsageError(`option ${shown} takes no value`, { remedy });
  return { spec, shown, value };
}

/** `-aRn5`. */
function cluster<T extends string>(specs: readonly OptionSpec[], text: T, rules: OptionRules<T>): WrittenOption<T>[] {
  const count = specs.find(({ short, value }) => short === 'n' && value?.kind === 'number');
  if (count !== undefined && /^-\d+$/.test(text)) return [{ spec: count, shown: '-n', value: text.slice(1) as T }];
  const found: WrittenOption<T>[] = [];
  for (let at = 1; at < text.length; at++) {
    const letter = (text[at] ?? '') as T;
    const spec = specs.find(({ short, alsoShort }) => short === letter || alsoShort?.includes(letter) === true);
    if (spec === undefined) {
      const [name = ''] = text.slice(1).toLowerCase().split('=', 1);
      if (at === 1 && optionNamed(specs, name) !== undefined) return [longOption(specs, `-${text}` as T, rules)];
      const known = rules.elsewhere?.(text);
      if (known !== undefined) throw new UsageError(`unknown option ${text}`, { remedy: known });
      throw new UsageError(`unknown option -${rules.show(letter)}`, { remedy: rules.elsewhere?.(`-${letter}`) ?? rules.remedy });
    }
    const attached = text.slice(at + 1) as T;
    const takesRest = spec.value !== undefined && attached !== '';
    found.push({ spec, shown: `-${letter}`, value: takesRest ? attached : undefined });
    if (takesRest) break;
  }
  return found;
}
