import type { Octets } from '../base/octets.ts';
import type { MatchRule, ReadRules, Rule } from './rule-list.ts';
import { compile, flat, isMatch, isPerDir } from './rule-list.ts';
import { parseRuleFile } from './rule-text.ts';

/** The top of the filtered tree. */
export interface FilterTop {
  /** Its absolute path, with a trailing slash. */
  readonly prefix: Octets;
  readonly read: ReadRules;
  readonly ruleFiles: Set<Octets>;
}

/** The rules that apply in one Dir. */
export class DirFilter {
  readonly #rules: readonly Rule[];
  readonly #tests: readonly MatchRule[];
  /** Its absolute path, with a trailing slash. */
  readonly #prefix: Octets;
  readonly #top: FilterTop;

  constructor(rules: readonly Rule[], prefix: Octets, top: FilterTop) {
    this.#prefix = prefix;
    this.#top = top;
    this.#rules = rules.some(isPerDir) ? enterDir(rules, prefix, top) : rules;
    this.#tests = this.#rules.every(isMatch) ? this.#rules : flat(this.#rules);
  }

  /** Whether a name in this Dir is excluded, with everything below it. */
  excludes(name: Octets, isDir: boolean): boolean {
    let path: Octets | undefined;
    for (const { include, negated, pattern, from } of this.#tests) {
      let text = name;
      if (!pattern.isOfName) {
        path ??= `${this.#prefix}${name}` as Octets;
        text = path.slice(from ?? this.#top.prefix.length) as Octets;
      }
      if (pattern.fits(text, isDir) !== negated) return !include;
    }
    return false;
  }

  /** The rules that apply in a Dir within this Dir. */
  enter(name: Octets): DirFilter {
    return new DirFilter(this.#rules, `${this.#prefix}${name}/` as Octets, this.#top);
  }
}

/**
 * Adds the rules in a Dir's own rules files, before those of the Dirs above.
 *
 * @param prefix - the absolute path of the Dir, with a trailing slash
 * @param top - the top of the tree. In a Dir above it, only rules files with a leading slash in their names are read
 */
export function enterDir(rules: readonly Rule[], prefix: Octets, top: FilterTop): readonly Rule[] {
  return withOwn(rules, { prefix, top, aboveTop: prefix.length < top.prefix.length, known: new Set(perDirNames(rules)) });
}

interface EnteredDir {
  readonly prefix: Octets;
  readonly top: FilterTop;
  readonly aboveTop: boolean;
  /** Names of rules files that are read in each Dir. */
  readonly known: Set<Octets>;
}

function withOwn(rules: readonly Rule[], dir: EnteredDir): Rule[] {
  const { prefix, top, aboveTop, known } = dir;
  const { read, ruleFiles } = top;
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
    // As with rsync, file names in it are relative to the top.
    const own = compile(parsed, {
      read: (file) => read(file.startsWith('/') ? file : (`${top.prefix}${file}` as Octets)),
      anchor: prefix.length,
      depth: 1,
      known,
      ruleFiles,
    });
    return { merge, found: [...withOwn(own, dir), ...(clears ? [] : inherited)] };
  });
}

function perDirNames(rules: readonly Rule[]): Octets[] {
  return rules.flatMap((rule) => (isPerDir(rule) ? [rule.merge.file, ...perDirNames(rule.found)] : []));
}
