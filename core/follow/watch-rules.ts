import type { Octets } from '../base/octets.ts';
import type { DirFilter } from '../filter/dir-filter.ts';
import type { NameFilter } from '../filter/name-filter.ts';
import { readFoundRules } from '../filter/read-rules.ts';
import { parentOf } from './local-pattern.ts';

/** Directories whose rules are cached, at most. */
const MAX_KEPT = 10_000;

/** Selects paths of a watched tree. */
export class WatchRules {
  readonly #rules: NameFilter;
  readonly #folder: Octets;
  /** Rules by directory; undefined for an excluded directory. */
  readonly #kept = new Map<Octets, DirFilter | undefined>();

  constructor(rules: NameFilter, folder: Octets) {
    this.#rules = rules;
    this.#folder = folder;
  }

  /** The rules in a directory of the tree; undefined if it is excluded. @throws {VtError} for an invalid file of rules */
  within(directory: Octets): DirFilter | undefined {
    if (this.#kept.has(directory)) return this.#kept.get(directory);
    const above = directory === this.#folder ? undefined : this.within(parentOf(directory));
    const name = nameOf(directory);
    const within =
      directory === this.#folder
        ? this.#rules.at(directory, readFoundRules)
        : above === undefined || above.excludes(name, true)
          ? undefined
          : above.enter(name);
    if (this.#kept.size >= MAX_KEPT) this.#kept.clear();
    this.#kept.set(directory, within);
    return within;
  }

  /** Whether a path below the folder is excluded. @throws as {@link WatchRules.within} */
  excludes(path: Octets, isDir: boolean): boolean {
    return path !== this.#folder && this.within(parentOf(path))?.excludes(nameOf(path), isDir) !== false;
  }

  /** Whether a path of unknown kind may be selected. */
  mayCount(path: Octets): boolean {
    // Its directory may have been replaced by one with other rule files.
    if (this.#rules.ruleFiles.size > 0) this.forget();
    try {
      return this.isRuleFile(path) || !this.excludes(path, false) || !this.excludes(path, true);
    } catch {
      // The scan reports the error.
      return true;
    }
  }

  /** Whether a path has the name of a rule file: when it changes, other rules apply. */
  isRuleFile(path: Octets): boolean {
    return this.#rules.ruleFiles.has(nameOf(path));
  }

  /** Empties the cache: rules may have changed. */
  forget(): void {
    this.#kept.clear();
  }
}

function nameOf(path: Octets): Octets {
  return path.slice(path.lastIndexOf('/') + 1) as Octets;
}
