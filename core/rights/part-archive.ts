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

/** The Dir that is shown in place of a root; undefined where there is none. */
export type PartOf = (root: DirDirent, options: OpOptions) => Promise<DirDirent | undefined>;

/** The Dir at a path. No symlink leads there. @param store - takes the tables that a Dir may need by itself */
export function dirBelow(store: Store, below: readonly Octets[]): PartOf {
  return async (root, options) => {
    await using tree = openLiveTree(store, root);
    const part = await partOfTree(tree, below, options);
    return part?.kind === 'dir' ? { ...part, name: '' as Octets } : undefined;
  };
}

/**
 * An archive of which only a part is shown: each state is a Dir of it, as if that were the root. States without it, and those in which
 * it did not change, are left out, and so are notes: they say what was done elsewhere. It is read only.
 */
export class PartArchive implements Archive {
  readonly name: string;
  readonly #whole: Archive;
  readonly #partOf: PartOf;
  /** The Dir in each state, as far as was looked at. */
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
      // A state that cannot be read so far has nothing that could be shown.
      if (!isDamage(error)) throw error;
      return undefined;
    }
  }
}
