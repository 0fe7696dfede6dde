import type { AllEntriesOptions, Archive, ArchiveEntry, ArchiveLines, EntriesOptions } from '../archive/archive.ts';
import type { ArchiveLine } from '../archive/archive-line.ts';
import { newestFirst } from '../archive/newest-first.ts';
import type { OpOptions } from '../base/op-options.ts';
import { errorText } from '../base/system/system-error.ts';
import type { BlockSource } from '../block/block-source.ts';
import type { Dirent } from '../dirent/dirent.ts';
import { parentNote, stateId } from './ancestry.ts';
import { isUnreadable, rootFault } from './root-fault.ts';

export interface UsableArchiveOptions {
  /** Called once for each state that is skipped, with a sentence. */
  readonly onNotice: (notice: string) => void;
  /** Whether all Dirs of a tree can be read. */
  readonly isReadable: (root: Dirent, options: OpOptions) => Promise<boolean>;
}

/**
 * An archive whose newest state is the newest one that can be opened.
 *
 * A state with missing or damaged Blocks is reported and skipped, but stays in the archive, since its Blocks may arrive later. A state
 * recorded after a skipped one notes the state that it was made from.
 */
export class UsableArchive implements Archive {
  readonly name: string;
  readonly lines?: ArchiveLines;
  readonly watch?: (onChange: () => void) => () => void;
  readonly #archive: Archive;
  readonly #source: BlockSource;
  readonly #options: UsableArchiveOptions;
  readonly #told = new Set<string>();
  /** Whether the newest state is skipped. Its Blocks may arrive at any time, so there is no stamp then. */
  #isNewestPassedOver = false;
  /** The id of the last state that could be opened. */
  #usable: string | undefined;

  constructor(archive: Archive, source: BlockSource, options: UsableArchiveOptions) {
    this.name = archive.name;
    if (archive.lines !== undefined) this.lines = archive.lines;
    if (archive.watch !== undefined) this.watch = archive.watch.bind(archive);
    this.#archive = archive;
    this.#source = source;
    this.#options = options;
  }

  /** The newest entry that can be opened; the newest of all if none can. */
  async last(options: OpOptions & { readonly onDamage?: (reason: string) => void } = {}): Promise<ArchiveEntry | undefined> {
    return await this.#usableFrom(await this.#archive.last(options), options);
  }

  stamp(): string | undefined {
    return this.#isNewestPassedOver ? undefined : this.#archive.stamp?.();
  }

  entries(options?: AllEntriesOptions): AsyncIterable<ArchiveEntry> {
    return this.#archive.entries(options);
  }

  newestFirst(options?: EntriesOptions): AsyncIterable<ArchiveEntry> {
    return newestFirst(this.#archive, options);
  }

  /** Appends as any archive does. If `decide` fails on unreadable Blocks of an entry, it is called again with an earlier entry. */
  async append(
    decide: (last: ArchiveEntry | undefined) => Promise<ArchiveLine | undefined>,
    options: OpOptions = {},
  ): Promise<ArchiveEntry | undefined> {
    return await this.#archive.append(async (newest) => {
      const usable = await this.#usableFrom(newest, options);
      const { line, after } = await this.#decide(decide, usable, options);
      if (line === undefined || after === newest) return line;
      return { ...line, notes: new Map([...(line.notes ?? []), ...parentNote(after)]) };
    }, options);
  }

  async #decide(
    decide: (last: ArchiveEntry | undefined) => Promise<ArchiveLine | undefined>,
    usable: ArchiveEntry | undefined,
    options: OpOptions,
  ): Promise<{ readonly line: ArchiveLine | undefined; readonly after: ArchiveEntry | undefined }> {
    const failure = await this.#attempt(decide, usable, options);
    if (!(failure instanceof Error)) return { line: failure, after: usable };
    for await (const entry of newestFirst(this.#archive, options)) {
      if (usable === undefined || entry.number >= usable.number) continue;
      const result = await this.#attempt(decide, entry, options);
      if (!(result instanceof Error)) return { line: result, after: entry };
    }
    throw failure;
  }

  /**
   * @returns the line, or the error if the entry is unreadable
   * @throws any other error
   */
  async #attempt(
    decide: (last: ArchiveEntry | undefined) => Promise<ArchiveLine | undefined>,
    entry: ArchiveEntry | undefined,
    options: OpOptions,
  ): Promise<ArchiveLine | Error | undefined> {
    try {
      return await decide(entry);
    } catch (error) {
      if (!isUnreadable(error) || entry === undefined || (await this.#options.isReadable(entry.dirent, options))) throw error;
      this.#tell(entry, `${errorText(error)}; what this session has is recorded after an earlier state, without it`);
      return error;
    }
  }

  async #usableFrom(newest: ArchiveEntry | undefined, options: OpOptions): Promise<ArchiveEntry | undefined> {
    this.#isNewestPassedOver = newest !== undefined && (await this.#isUsable(newest, options)) !== undefined;
    if (!this.#isNewestPassedOver) return newest;
    for await (const entry of newestFirst(this.#archive, { signal: options.signal })) {
      const fault = await this.#isUsable(entry, options);
      if (fault === undefined) return entry;
      this.#tell(entry, `${errorText(fault)}; it is passed over`);
    }
    return newest;
  }

  /** @returns undefined if the entry can be opened, else the error */
  async #isUsable(entry: ArchiveEntry, options: OpOptions): Promise<Error | undefined> {
    const id = stateId(entry);
    if (id === this.#usable) return undefined;
    const fault = await rootFault(this.#source, entry.dirent, options);
    if (fault === undefined) this.#usable = id;
    return fault;
  }

  #tell(entry: ArchiveEntry, what: string): void {
    const id = stateId(entry);
    if (this.#told.has(id)) return;
    this.#told.add(id);
    this.#options.onNotice(`archive "${this.name}": state @${entry.number} cannot be read: ${what}`);
  }
}
