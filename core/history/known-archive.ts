import type { AllEntriesOptions, Archive, ArchiveEntry, ArchiveLines, EntriesOptions } from '../archive/archive.ts';
import type { ArchiveLine } from '../archive/archive-line.ts';
import { notesField } from '../archive/archive-notes.ts';
import { newestFirst } from '../archive/newest-first.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { Dirent } from '../dirent/dirent.ts';
import { capability } from '../store/capability.ts';
import type { Store } from '../store/store.ts';
import { knownDirent } from '../tree/other-names.ts';
import { mergedStates, renamedNotes, stateId } from './ancestry.ts';

/**
 * An archive whose lines may be older than a transition of its Store to another hash function, such as an archive outside the Store.
 * Entries are given with the names that the Store has now; the lines stay unchanged. References without a new name are given as they are.
 */
export class KnownArchive implements Archive {
  readonly name: string;
  readonly lines?: ArchiveLines;
  readonly watch?: (onChange: () => void) => () => void;
  readonly #archive: Archive;
  readonly #store: Store;

  private constructor(archive: Archive, store: Store) {
    this.name = archive.name;
    if (archive.lines !== undefined) this.lines = archive.lines;
    if (archive.watch !== undefined) this.watch = archive.watch.bind(archive);
    this.#archive = archive;
    this.#store = store;
  }

  /** The archive itself if the Store has no other names, else a translating one. */
  static of(archive: Archive, store: Store): Archive {
    return capability(store, 'names') === undefined ? archive : new KnownArchive(archive, store);
  }

  async last(options?: OpOptions & { readonly onDamage?: (reason: string) => void }): Promise<ArchiveEntry | undefined> {
    const last = await this.#archive.last(options);
    return last && (await this.#known(last, (id) => id));
  }

  async *entries(options?: AllEntriesOptions): AsyncGenerator<ArchiveEntry, void, undefined> {
    const ids = new Map<string, string>();
    for await (const entry of this.#archive.entries(options)) {
      const known = await this.#known(entry, (id) => ids.get(id) ?? id);
      ids.set(stateId(entry), stateId(known));
      yield known;
    }
  }

  async *newestFirst(options?: EntriesOptions): AsyncGenerator<ArchiveEntry, void, undefined> {
    for await (const entry of newestFirst(this.#archive, options)) yield await this.#known(entry, (id) => id);
  }

  async append(
    decide: (last: ArchiveEntry | undefined) => Promise<ArchiveLine | undefined>,
    options?: OpOptions,
  ): Promise<ArchiveEntry | undefined> {
    return await this.#archive.append(async (last) => await decide(last && (await this.#known(last, (id) => id))), options);
  }

  async #known(entry: ArchiveEntry, idOf: (id: string) => string): Promise<ArchiveEntry> {
    const known = async (dirent: Dirent): Promise<Dirent> => (await knownDirent(this.#store, dirent)) ?? dirent;
    const dirent = await known(entry.dirent);
    const merged: Dirent[] = [];
    for (const state of mergedStates(entry)) merged.push(await known(state.dirent));
    return {
      whenNs: entry.whenNs,
      dirent,
      ...notesField(renamedNotes(entry, merged, idOf)),
      ...(entry.isForgotten === true ? { isForgotten: true } : {}),
      // A getter: some archives count lines only when the number is asked for.
      get number() {
        return entry.number;
      },
    };
  }
}
