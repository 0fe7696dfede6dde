import { VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsToText } from '../base/octets.ts';
import { CVS_NAMES } from './cvs-names.ts';
import type { RulePattern } from './rule-pattern.ts';
import { compileRulePattern } from './rule-pattern.ts';
import type { FileRules, ParsedRule } from './rule-text.ts';
import { parsePattern, parseRule, parseRuleFile } from './rule-text.ts';

/** One thing that was said about names, in the order of saying: what `--include=P`, `--filter=R`… hold. */
export interface FilterWord {
  readonly kind: 'include' | 'exclude' | 'filter' | 'include-from' | 'exclude-from';
  readonly value: Octets;
}

/** Reads a whole file of rules. @returns undefined where there is no file of that name */
export type ReadRules = (path: Octets) => Octets | undefined;

export interface FilterOptions {
  /** For files named by the words; relative paths are for it to resolve. */
  readonly read: ReadRules;
  /** Refuse rules that are to be found in each Dir. */
  readonly noPerDir?: string | undefined;
}

/** Files of rules within files of rules: more is taken for a circle. */
const MAX_DEPTH = 16;

interface MatchRule {
  readonly include: boolean;
  readonly negated: boolean;
  readonly pattern: RulePattern;
  /** Where the paths begin that it is matched against: octets of the absolute path; undefined: the top of what is filtered. */
  readonly from: number | undefined;
}

interface PerDirRule {
  readonly merge: Extract<ParsedRule, { kind: 'merge' }>;
  /** What the files of the Dirs from the one at hand up say. */
  readonly found: readonly Rule[];
}

type Rule = MatchRule | PerDirRule;

/** Which names belong to a tree and which do not: rules of rsync(1), read once. */
export class NameFilter {
  readonly #rules: readonly Rule[];

  /**
   * Reads rules in the order in which they were given: the first that matches counts.
   *
   * @throws {VtError} EUSAGE for a rule that cannot be understood, EFAILED for a file that is not there
   */
  constructor(words: readonly FilterWord[], options: FilterOptions) {
    const parsed = words.map(parseWord);
    this.#rules = compile(parsed, { ...options, anchor: undefined, depth: 0, known: new Set() });
  }

  /** Whether there are no rules at all: nothing is excluded. */
  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /**
   * The rules as they hold at the top of a tree.
   *
   * @param path - absolute
   * @param read - for the files of rules in each Dir
   */
  at(path: Octets, read: ReadRules): DirFilter {
    const prefix = (path === '/' ? '/' : `${path}/`) as Octets;
    let rules = this.#rules;
    if (rules.some((rule) => isPerDir(rule) && rule.merge.file.startsWith('/'))) {
      for (let end = 1; end < prefix.length; end = prefix.indexOf('/', end) + 1)
        rules = enterDir(rules, prefix.slice(0, end) as Octets, prefix, read);
    }
    return new DirFilter(rules, prefix, prefix.length, read);
  }
}

function parseWord({ kind, value }: FilterWord): ParsedRule {
  switch (kind) {
    case 'include':
    case 'exclude':
      return parsePattern(value, `--${kind}`, kind === 'include');
    case 'filter':
      return parseRule(value, '--filter');
    case 'include-from':
    case 'exclude-from': {
      const rules: FileRules = { patterns: kind === 'include-from' ? 'include' : 'exclude', oldPrefixes: true };
      return { kind: 'merge', perDir: false, file: value, noInherit: false, excludesSelf: false, rules };
    }
  }
}

/** The rules as they hold in one Dir. */
export class DirFilter {
  readonly #rules: readonly Rule[];
  readonly #tests: readonly MatchRule[];
  /** Absolute, with a slash at its end. */
  readonly #prefix: Octets;
  /** Octets of the prefix of the top. */
  readonly #top: number;
  readonly #read: ReadRules;

  constructor(rules: readonly Rule[], prefix: Octets, top: number, read: ReadRules) {
    this.#prefix = prefix;
    this.#top = top;
    this.#read = read;
    this.#rules = rules.some(isPerDir) ? enterDir(rules, prefix, prefix.slice(0, top) as Octets, read) : rules;
    this.#tests = this.#rules.every(isMatch) ? this.#rules : flat(this.#rules);
  }

  /** Whether a name in this Dir is excluded, and with it all below. */
  excludes(name: Octets, isDir: boolean): boolean {
    let path: Octets | undefined;
    for (const { include, negated, pattern, from } of this.#tests) {
      let text = name;
      if (!pattern.isOfName) {
        path ??= `${this.#prefix}${name}` as Octets;
        text = path.slice(from ?? this.#top) as Octets;
      }
      if (pattern.fits(text, isDir) !== negated) return !include;
    }
    return false;
  }

  /** The rules as they hold in a Dir of this Dir. */
  enter(name: Octets): DirFilter {
    return new DirFilter(this.#rules, `${this.#prefix}${name}/` as Octets, this.#top, this.#read);
  }
}

/**
 * Rules with what a Dir's own files say in front of what those above said.
 *
 * @param prefix - the Dir, absolute, with a slash at its end
 * @param top - likewise of all that is filtered; the Dir may stand above it: then only files that are looked for from the root on are read
 */
function enterDir(rules: readonly Rule[], prefix: Octets, top: Octets, read: ReadRules): readonly Rule[] {
  return withOwn(rules, { prefix, top, read, aboveTop: prefix.length < top.length, known: new Set(perDirNames(rules)) });
}

interface EnteredDir {
  readonly prefix: Octets;
  readonly top: Octets;
  readonly read: ReadRules;
  readonly aboveTop: boolean;
  /** Names of files that are looked for in each Dir. */
  readonly known: Set<Octets>;
}

function withOwn(rules: readonly Rule[], dir: EnteredDir): Rule[] {
  const { prefix, top, read, aboveTop, known } = dir;
  return rules.map((rule) => {
    if (!isPerDir(rule)) return rule;
    const { merge, found } = rule;
    const isRooted = merge.file.startsWith('/');
    if (aboveTop && !isRooted) return rule;
    const inherited = merge.noInherit ? [] : withOwn(found, dir);
    const path = `${prefix}${isRooted ? merge.file.slice(1) : merge.file}` as Octets;
    const content = read(path);
    if (content === undefined) return { merge, found: inherited };
    const parsed = parseRuleFile(content, path, merge.rules);
    const clears = parsed.some(({ kind }) => kind === 'clear');
    // As with rsync, files named in there are looked for from the top on.
    const own = compile(parsed, {
      read: (file) => read(file.startsWith('/') ? file : (`${top}${file}` as Octets)),
      anchor: prefix.length,
      depth: 1,
      known,
    });
    return { merge, found: [...withOwn(own, dir), ...(clears ? [] : inherited)] };
  });
}

function perDirNames(rules: readonly Rule[]): Octets[] {
  return rules.flatMap((rule) => (isPerDir(rule) ? [rule.merge.file, ...perDirNames(rule.found)] : []));
}

function isPerDir(rule: Rule): rule is PerDirRule {
  return 'merge' in rule;
}

function isMatch(rule: Rule): rule is MatchRule {
  return !isPerDir(rule);
}

function flat(rules: readonly Rule[]): MatchRule[] {
  return rules.flatMap((rule) => (isPerDir(rule) ? flat(rule.found) : [rule]));
}

interface CompileContext extends FilterOptions {
  /** Where anchored patterns begin: octets of the absolute path; undefined at the top. */
  readonly anchor: number | undefined;
  readonly depth: number;
  /** Names of files that are looked for in each Dir already: another rule for one of them says nothing new. */
  readonly known: Set<Octets>;
}

function compile(parsed: readonly ParsedRule[], context: CompileContext): Rule[] {
  let rules: Rule[] = [];
  for (const rule of parsed) {
    switch (rule.kind) {
      case 'clear':
        rules = [];
        break;
      case 'cvs':
        for (const name of CVS_NAMES) rules.push(matchRule(name as Octets, context));
        break;
      case 'match':
        rules.push(matchRule(rule.pattern, context, rule));
        break;
      case 'merge':
        if (rule.excludesSelf) rules.push(matchRule(rule.file.slice(rule.file.lastIndexOf('/') + 1) as Octets, context));
        if (rule.perDir) rules.push(...perDirRule(rule, context));
        else rules = mergeFile(rules, rule, context);
    }
  }
  return rules;
}

function matchRule(
  text: Octets,
  { anchor }: CompileContext,
  { include = false, negated = false, isAbsolute = false }: { include?: boolean; negated?: boolean; isAbsolute?: boolean } = {},
): MatchRule {
  const pattern = compileRulePattern(text);
  return { include, negated, pattern, from: isAbsolute ? 0 : pattern.isAnchored ? anchor : undefined };
}

function perDirRule(merge: PerDirRule['merge'], { noPerDir, known }: CompileContext): PerDirRule[] {
  const file = octetsToText(merge.file);
  if (noPerDir !== undefined) throw new VtError('EUSAGE', `filter rule "dir-merge ${file}": ${noPerDir}`);
  if (merge.file.includes('/', 1) || merge.file === '..' || merge.file === '.')
    throw new VtError('EUSAGE', `filter rule "dir-merge ${file}": expected the name of a file that may be in each directory`);
  if (known.has(merge.file)) return [];
  known.add(merge.file);
  return [{ merge, found: [] }];
}

/** Rules with those of a file behind them, which may clear them. */
function mergeFile(before: Rule[], { file, rules }: Extract<ParsedRule, { kind: 'merge' }>, context: CompileContext): Rule[] {
  if (context.depth >= MAX_DEPTH) throw new VtError('EUSAGE', `read rules "${octetsToText(file)}": files merge each other in a circle`);
  const content = context.read(file);
  if (content === undefined) throw new VtError('EFAILED', `read rules "${octetsToText(file)}": no such file`);
  const parsed = parseRuleFile(content, file, rules);
  const own = compile(parsed, { ...context, depth: context.depth + 1 });
  return parsed.some(({ kind }) => kind === 'clear') ? own : [...before, ...own];
}
