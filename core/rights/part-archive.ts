import type { AllEntriesOptions, Archive, ArchiveEntry } from '../archive/archive.ts';
import type { ArchiveLine } from '../archive/archive-line.ts';
import { ReadOnlyError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { DirDirent, Dirent } from '../dirent/dirent.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import type { Store } from '../store/store.ts';
import { openLiveTree } from '../tree/live/live-tree.ts';
import { partOfTree } from '../tree/part-of-tree.ts';
import { isDamage } from '../tree/walk.ts';

/** Gives the Dir that is shown in place of a root; undefined if the root lacks it. */
export type PartOf = (root: DirDirent, options: OpOptions) => Promise<DirDirent | undefined>;

/**
 * Gives the Dir at a path; symlinks are not followed.
 *
 * @param store - receives the tables of hard links that a Dir needs of its own
 * @param below - the names from the root to the Dir
 */
export function dirBelow(store: Store, below: readonly Octets[]): PartOf {
  return async (root, options) => {
    await using tree = openLiveTree(store, root);
    const part = await partOfTree(tree, below, options);
    return part?.kind === 'dir' ? { ...part, name: '' as Octets } : undefined;
  };
}

/**
 * A read-only archive that shows one Dir of another archive's states as if it were the root. States without the Dir, or in which it did not
 * change, are left out. Notes are left out, since they describe changes elsewhere.
 */
export class PartArchive implements Archive {
  readonly name: string;
  readonly #whole: Archive;
  readonly #partOf: PartOf;
  /** The Dir in each root that was read so far. */
  readonly #known = new Map<string, DirDirent | undefined>();

  constructor(whole: Archive, partOf: PartOf) {
    this.name = whole.name;
    this.#whole = whole;
    this.#partOf = partOf;
  }

  async last(options: OpOptions = {}): Promise<ArchiveEntry | undefined> {
    let last: ArchiveEntry | undefined;
    for await (const entry of this.entries(options)) last = entry;
    return last;
  }

  async *entries({ signal }: AllEntriesOptions = {}): AsyncGenerator<ArchiveEntry, void, undefined> {
    let number = 0;
    let before = '';
    const met = new Set<string>();
    for await (const { whenNs, dirent } of this.#whole.entries({ signal })) {
      const key = formatDirent(dirent);
      met.add(key);
      if (!this.#known.has(key)) this.#known.set(key, await this.#part(dirent, { signal }));
      const part = this.#known.get(key);
      const text = part === undefined ? '' : formatDirent(part);
      if (part !== undefined && text !== before) yield { whenNs, dirent: part, number: ++number };
      before = text;
    }
    for (const key of this.#known.keys()) if (!met.has(key)) this.#known.delete(key);
  }

  async append(_: unknown, __: OpOptions = {}): Promise<(ArchiveLine & ArchiveEntry) | undefined> {
    throw new ReadOnlyError('append to archive', this.name);
  }

  async #part(root: Dirent, options: OpOptions): Promise<DirDirent | undefined> {
    if (root.kind !== 'dir') return undefined;
    try {
      return await this.#partOf(root, options);
    } catch (error) {
      // An unreadable state is treated as one without the Dir.
      if (!isDamage(error)) throw error;
      return undefined;
    }
  }
}
