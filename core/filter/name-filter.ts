import type { Octets } from '../base/octets.ts';
import type { FilterTop } from './dir-filter.ts';
import { DirFilter, enterDir } from './dir-filter.ts';
import type { CompileContext, ReadRules, Rule } from './rule-list.ts';
import { compile, isPerDir } from './rule-list.ts';
import type { FileRules, ParsedRule } from './rule-text.ts';
import { parsePattern, parseRule } from './rule-text.ts';

/** One thing that was said about names, in the order of saying: what `--include=P`, `--filter=R`… hold. */
export interface FilterWord {
  readonly kind: 'include' | 'exclude' | 'filter' | 'include-from' | 'exclude-from';
  readonly value: Octets;
}

/** For files named by the words: relative paths are for `read` to resolve. */
type FilterOptions = Pick<CompileContext, 'read' | 'noPerDir'>;

/** Which names belong to a tree and which do not: rules of rsync(1), read once. */
export class NameFilter {
  readonly #ruleFiles = new Set<Octets>();
  readonly #rules: readonly Rule[];

  /**
   * Reads rules in the order in which they were given: the first that matches counts.
   *
   * @throws {VtError} EUSAGE for a rule that cannot be understood, EFAILED for a file that is not there
   */
  constructor(words: readonly FilterWord[], options: FilterOptions) {
    const parsed = words.map(parseWord);
    this.#rules = compile(parsed, { ...options, anchor: undefined, depth: 0, known: new Set(), ruleFiles: this.#ruleFiles });
  }

  /** Whether there are no rules at all: nothing is excluded. */
  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /** Names of files that are looked for in each Dir; those that such files name come with them. */
  get ruleFiles(): ReadonlySet<Octets> {
    return this.#ruleFiles;
  }

  /**
   * The rules as they hold at the top of a tree.
   *
   * @param path - absolute
   * @param read - for the files of rules in each Dir
   */
  at(path: Octets, read: ReadRules): DirFilter {
    const prefix = (path === '/' ? '/' : `${path}/`) as Octets;
    const top: FilterTop = { prefix, read, ruleFiles: this.#ruleFiles };
    let rules = this.#rules;
    if (rules.some((rule) => isPerDir(rule) && rule.merge.file.startsWith('/'))) {
      for (let end = 1; end < prefix.length; end = prefix.indexOf('/', end) + 1)
        rules = enterDir(rules, prefix.slice(0, end) as Octets, top);
    }
    return new DirFilter(rules, prefix, top);
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
