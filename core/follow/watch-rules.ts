import type { Octets } from '../base/octets.ts';
import type { DirFilter } from '../filter/dir-filter.ts';
import type { NameFilter } from '../filter/name-filter.ts';
import { readFoundRules } from '../filter/read-rules.ts';
import { parentOf } from './local-pattern.ts';

/** Directories whose rules are kept in mind. */
const MAX_KEPT = 10_000;

/** Which paths of a watched tree count. */
export class WatchRules {
  readonly #rules: NameFilter;
  readonly #folder: Octets;
  /** Of a directory that is excluded itself: undefined. */
  readonly #kept = new Map<Octets, DirFilter | undefined>();

  constructor(rules: NameFilter, folder: Octets) {
    this.#rules = rules;
    this.#folder = folder;
  }

  /**
   * The rules in a directory of the tree; undefined where it is excluded.
   *
   * @throws {VtError} for a file of rules that cannot be understood
   */
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

  /** Whether a path of unknown kind may count. */
  mayCount(path: Octets): boolean {
    // Its directory may be another one than before, with other files of rules.
    if (this.#rules.ruleFiles.size > 0) this.forget();
    try {
      return this.isRuleFile(path) || !this.excludes(path, false) || !this.excludes(path, true);
    } catch {
      // The scan reports the error.
      return true;
    }
  }

  /** Whether rules are in a file of this name: when it changes, others hold. */
  isRuleFile(path: Octets): boolean {
    return this.#rules.ruleFiles.has(nameOf(path));
  }

  /** Rules may have changed. */
  forget(): void {
    this.#kept.clear();
  }
}

function nameOf(path: Octets): Octets {
  return path.slice(path.lastIndexOf('/') + 1) as Octets;
}
