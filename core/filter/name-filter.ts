import type { Octets } from '../base/octets.ts';
import type { FilterTop } from './dir-filter.ts';
import { DirFilter, enterDir } from './dir-filter.ts';
import type { CompileContext, ReadRules, Rule } from './rule-list.ts';
import { compile, isPerDir } from './rule-list.ts';
import type { FileRules, ParsedRule } from './rule-text.ts';
import { parsePattern, parseRule } from './rule-text.ts';

/** One option that selects names, such as `--include=P` or `--filter=R`. */
export interface FilterWord {
  readonly kind: 'include' | 'exclude' | 'filter' | 'include-from' | 'exclude-from';
  readonly value: Octets;
}

/** How to read files that the options name; `read` resolves relative paths. */
type FilterOptions = Pick<CompileContext, 'read' | 'noPerDir'>;

/** A filter of names by the rules of rsync(1). */
export class NameFilter {
  readonly #ruleFiles = new Set<Octets>();
  readonly #rules: readonly Rule[];

  /**
   * Compiles options in the order in which they were given. For each name, the first matching rule counts.
   *
   * @throws {VtError} EUSAGE for an invalid rule, EFAILED for a missing file
   */
  constructor(words: readonly FilterWord[], options: FilterOptions) {
    const parsed = words.map(parseWord);
    this.#rules = compile(parsed, { ...options, anchor: undefined, depth: 0, known: new Set(), ruleFiles: this.#ruleFiles });
  }

  /** Whether there are no rules, so that nothing is excluded. */
  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /** Names of rules files that are read in each Dir, including names that such files add. */
  get ruleFiles(): ReadonlySet<Octets> {
    return this.#ruleFiles;
  }

  /**
   * The rules that apply at the top of a tree.
   *
   * @param path - the absolute path of the top
   * @param read - reads the rules files in each Dir
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
