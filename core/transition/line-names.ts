import type { ArchiveEntry } from '../archive/archive.ts';
import type { ArchiveLine } from '../archive/archive-line.ts';
import { notesField } from '../archive/archive-notes.ts';
import { VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { Dirent } from '../dirent/dirent.ts';
import { mergedStates, renamedNotes, stateId } from '../history/ancestry.ts';
import { isReadable } from '../maintain/is-readable.ts';
import type { Store } from '../store/store.ts';
import type { Transcriber } from './transcriber.ts';

/** Renames the states of one archive, oldest first. */
export class LineNames {
  readonly #source: Store;
  readonly #transcriber: Transcriber;
  readonly #options: OpOptions;
  readonly #ids = new Map<string, string>();

  constructor(source: Store, transcriber: Transcriber, options: OpOptions) {
    this.#source = source;
    this.#transcriber = transcriber;
    this.#options = options;
  }

  /** Transcribes an entry. @throws {VtError} EMISSING or ECORRUPT if a Block of the state is unavailable */
  async line(entry: ArchiveEntry, number: number): Promise<ArchiveLine> {
    const dirent = await this.#state(entry, number);
    const merged: Dirent[] = [];
    for (const { dirent: other } of mergedStates(entry))
      merged.push((await isReadable(this.#source, other, this.#options)) ? await this.#transcriber.dirent(other) : other);
    return this.#renamed(entry, dirent, merged);
  }

  /** As `line`, but without new work: parts that were not transcribed before keep their names. */
  known(entry: ArchiveEntry): ArchiveLine {
    const dirent = this.#transcriber.known(entry.dirent) ?? entry.dirent;
    const merged = mergedStates(entry).map(({ dirent: other }) => this.#transcriber.known(other) ?? other);
    return this.#renamed(entry, dirent, merged);
  }

  #renamed(entry: ArchiveEntry, dirent: Dirent, merged: readonly Dirent[]): ArchiveLine {
    // A state that is not in this archive keeps its id: it is only known by that.
    const notes = renamedNotes(entry, merged, (id) => this.#ids.get(id) ?? id);
    const line = { whenNs: entry.whenNs, dirent, ...notesField(notes) };
    this.#ids.set(stateId(entry), stateId(line));
    return line;
  }

  async #state({ dirent }: ArchiveEntry, number: number): Promise<Dirent> {
    try {
      return await this.#transcriber.dirent(dirent);
    } catch (error) {
      if (!(error instanceof VtError) || (error.code !== 'EMISSING' && error.code !== 'ECORRUPT')) throw error;
      throw new VtError(error.code, `state @${number}: ${error.message}`, {
        cause: error,
        remedy: 'repair may restore it; gc --drop removes the state',
      });
    }
  }
}
