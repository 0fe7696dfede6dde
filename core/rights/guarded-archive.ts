import type { AllEntriesOptions, Archive, ArchiveEntry, EntriesOptions } from '../archive/archive.ts';
import type { ArchiveLine } from '../archive/archive-line.ts';
import { newestFirst } from '../archive/newest-first.ts';
import type { OpOptions } from '../base/op-options.ts';

/** An archive that calls a check before each append. Lines pass unchanged. */
export class GuardedArchive implements Archive {
  readonly name: string;
  readonly watch?: (onChange: () => void) => () => void;
  readonly #archive: Archive;
  readonly #beforeAppend: () => void;

  /** @param beforeAppend - throws to refuse an append */
  constructor(archive: Archive, beforeAppend: () => void) {
    this.name = archive.name;
    this.#archive = archive;
    this.#beforeAppend = beforeAppend;
    if (archive.watch !== undefined) this.watch = archive.watch.bind(archive);
  }

  async last(options?: OpOptions & { readonly onDamage?: (reason: string) => void }): Promise<ArchiveEntry | undefined> {
    return await this.#archive.last(options);
  }

  stamp(): string | undefined {
    return this.#archive.stamp?.();
  }

  entries(options?: AllEntriesOptions): AsyncIterable<ArchiveEntry> {
    return this.#archive.entries(options);
  }

  newestFirst(options?: EntriesOptions): AsyncIterable<ArchiveEntry> {
    return newestFirst(this.#archive, options);
  }

  async append(
    decide: (last: ArchiveEntry | undefined) => Promise<ArchiveLine | undefined>,
    options?: OpOptions,
  ): Promise<ArchiveEntry | undefined> {
    this.#beforeAppend();
    return await this.#archive.append(decide, options);
  }
}
