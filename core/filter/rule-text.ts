import { VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsToText } from '../base/octets.ts';

/** How the lines of a merge file are read, and defaults for its rules. */
export interface FileRules {
  /** Lines are patterns of this kind, not rules. */
  readonly patterns?: 'include' | 'exclude' | undefined;
  /** If lines are patterns: the prefixes `+ ` and `- ` and the line `!` still have their meanings. */
  readonly oldPrefixes?: boolean;
  /** Rules are separated by white space; there are no comments. */
  readonly isWords?: boolean;
  /** Patterns are compared with absolute paths. */
  readonly isAbsolute?: boolean;
}

/** A parsed rule. */
export type ParsedRule =
  | { readonly kind: 'match'; readonly include: boolean; readonly negated: boolean; readonly isAbsolute: boolean; readonly pattern: Octets }
  | { readonly kind: 'cvs' }
  | { readonly kind: 'clear' }
  | {
      readonly kind: 'merge';
      /** True: a file in each directory. False: one file, read once. */
      readonly perDir: boolean;
      readonly file: Octets;
      /** Its rules do not apply in the Dirs below. */
      readonly noInherit: boolean;
      /** The file itself is excluded. */
      readonly excludesSelf: boolean;
      readonly rules: FileRules;
    };

/** The source of a rule, for messages: `--filter`, or a file and its line. */
type RulePlace = string;

const SHORT = new Map([
  ['-', 'exclude'],
  ['+', 'include'],
  ['.', 'merge'],
  [':', 'dir-merge'],
  ['H', 'hide'],
  ['S', 'show'],
  ['P', 'protect'],
  ['R', 'risk'],
  ['!', 'clear'],
]);

const LONG = /^(exclude|include|merge|dir-merge|hide|show|protect|risk|clear)(?=[, _]|$)/;

/** The name of a merge file with the modifier `C` and no name. */
const CVS_FILE = '.cvsignore' as Octets;

/**
 * Parses a filter rule of rsync(1): `- *.o`, `include,! *.c`, `dir-merge,n .rules`, `!`.
 *
 * Rules without a meaning here are refused: `protect`, `risk` and `r` are about deletions by a receiver, and `x` is about names of
 * extended attributes.
 *
 * @throws {VtError} EUSAGE, whose message has the column, counted from 1
 */
export function parseRule(text: Octets, place: RulePlace, defaults: FileRules = {}): ParsedRule {
  const fail = (what: string, at: number): never => {
    throw new VtError('EUSAGE', `${place}: filter rule "${octetsToText(text)}": ${what}, at column ${at + 1}`);
  };
  const long = LONG.exec(text)?.[1];
  const name = long ?? SHORT.get(text[0] ?? '');
  if (name === undefined) return fail('expected + - . : H S ! or include, exclude, merge, dir-merge, hide, show, clear', 0);
  if (name === 'protect' || name === 'risk')
    return fail(`${name} is about what a receiver deletes: here put without --merge replaces, with it keeps`, 0);
  let at = long?.length ?? 1;
  const isMerge = name === 'merge' || name === 'dir-merge';
  const flags = new Set<string>();
  if (text[at] === ',') at++;
  for (; at < text.length && text[at] !== ' ' && text[at] !== '_'; at++) {
    const flag = text[at] ?? '';
    if (flag === 'r' || flag === 'x')
      return fail(
        flag === 'r' ? 'the modifier r is about what a receiver deletes' : 'the modifier x: extended attributes are always kept',
        at,
      );
    const known = name === 'clear' ? '' : isMerge ? '/spCenw+-' : name === 'include' || name === 'exclude' ? '/!sCp' : '/!p';
    if (!known.includes(flag)) return fail(`unknown modifier "${octetsToText(flag as Octets)}"`, at);
    flags.add(flag);
  }
  const rest = text.slice(at + 1) as Octets;
  if (name === 'clear' || (!isMerge && flags.has('C'))) {
    if (rest !== '') fail('nothing may follow', at + 1);
    return { kind: name === 'clear' ? 'clear' : 'cvs' };
  }
  const isCvs = flags.has('C');
  if (rest === '' && !isCvs) return fail(isMerge ? 'a file name is missing' : 'a pattern is missing', text.length);
  const isAbsolute = flags.has('/') || defaults.isAbsolute === true;
  if (!isMerge)
    return { kind: 'match', include: name === 'include' || name === 'show', negated: flags.has('!'), isAbsolute, pattern: rest };
  if (flags.has('+') && (flags.has('-') || isCvs)) return fail('the modifiers + and - exclude each other', 0);
  return {
    kind: 'merge',
    perDir: name === 'dir-merge',
    file: rest === '' ? CVS_FILE : rest,
    noInherit: flags.has('n') || isCvs,
    excludesSelf: flags.has('e'),
    rules: {
      patterns: flags.has('+') ? 'include' : flags.has('-') || isCvs ? 'exclude' : undefined,
      oldPrefixes: isCvs,
      isWords: flags.has('w') || isCvs,
      isAbsolute,
    },
  };
}

/** Parses the value of `--include` or `--exclude`: a pattern. A prefix `+ ` or `- ` overrides the option; a single `!` clears the rules. */
export function parsePattern(
  text: Octets,
  place: RulePlace,
  isInclude: boolean,
  { oldPrefixes = true, isAbsolute = false }: FileRules = {},
): ParsedRule {
  if (oldPrefixes && text === '!') return { kind: 'clear' };
  const prefix = oldPrefixes ? /^[+-] /.exec(text)?.[0] : undefined;
  const include = prefix === undefined ? isInclude : prefix === '+ ';
  const pattern = text.slice(prefix?.length ?? 0) as Octets;
  if (pattern === '') throw new VtError('EUSAGE', `${place}: a pattern is missing`);
  return { kind: 'match', include, negated: false, isAbsolute, pattern };
}

/**
 * Parses the rules in a file, one per line. Empty lines and lines that begin with `#` or `;` are skipped.
 *
 * @param file - its path, for messages
 * @throws {VtError} EUSAGE for an invalid rule
 */
export function parseRuleFile(content: Octets, file: Octets, rules: FileRules): ParsedRule[] {
  const { patterns, isWords = false } = rules;
  const parsed: ParsedRule[] = [];
  for (const { text, line } of isWords ? wordsOf(content) : linesOf(content)) {
    const place = `${octetsToText(file)}:${line}`;
    parsed.push(
      patterns === undefined
        ? parseRule(text, place, rules)
        : parsePattern(text, place, patterns === 'include', { ...rules, oldPrefixes: rules.oldPrefixes === true }),
    );
  }
  return parsed;
}

interface RuleText {
  readonly text: Octets;
  /** From 1. */
  readonly line: number;
}

function linesOf(content: Octets): RuleText[] {
  return content
    .split('\n')
    .flatMap((text, i) => text.split('\r').map((part) => ({ text: part as Octets, line: i + 1 })))
    .filter(({ text }) => text !== '' && !text.startsWith('#') && !text.startsWith(';'));
}

/** Splits a file into words. Their rules have `_` before the pattern instead of a space. */
function wordsOf(content: Octets): RuleText[] {
  return content.split('\n').flatMap((text, i) =>
    text
      .split(/[\t\v\f\r ]+/)
      .filter((word) => word !== '')
      .map((word) => ({ text: word as Octets, line: i + 1 })),
  );
}
