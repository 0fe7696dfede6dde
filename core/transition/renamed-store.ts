import type { AllEntriesOptions, Archive, ArchiveEntry } from '../archive/archive.ts';
import { linesOf } from '../archive/lines-up-to.ts';
import { ReadOnlyError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { DigestedBlock } from '../block/block-target.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import type { HashName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { archiveOf } from '../store/archive-of-store.ts';
import type { Offers } from '../store/capability.ts';
import type { AddResult, Store } from '../store/store.ts';
import { LineNames } from './line-names.ts';
import type { Transcriber } from './transcriber.ts';

/**
 * Presents a Store as one with another hash function, for exchanging states. Its archives have references of that function, and its
 * Blocks come from the target Store of the transcription. Reading an archive transcribes its newest state. Older states are renamed
 * as far as they were transcribed before.
 */
export class RenamedStore implements Store {
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  readonly wraps: Store;
  readonly offers: Offers;

  /** @param source - the Store to rename; `target`: the Store with the Blocks. Neither is closed with this one */
  constructor(source: Store, target: Store, transcriber: Transcriber) {
    this.name = source.name;
    this.hashName = target.hashName;
    this.edges = target.edges;
    this.wraps = target;
    this.offers = {
      archives: {
        open(name) {
          const archive = archiveOf(source, name);
          if (archive === undefined) throw new ReadOnlyError('open an archive of', source.name);
          return new RenamedArchive(archive, source, transcriber);
        },
      },
    };
  }

  async add(data: Uint8Array, options?: OpOptions): Promise<AddResult> {
    return await this.wraps.add(data, options);
  }

  async addBatch(blocks: readonly DigestedBlock[], options?: OpOptions): Promise<boolean[]> {
    return await this.wraps.addBatch(blocks, options);
  }

  async get(hashcode: HashCode, options?: OpOptions): Promise<Uint8Array | undefined> {
    return await this.wraps.get(hashcode, options);
  }

  async has(hashcodes: readonly HashCode[], options?: OpOptions): Promise<boolean[]> {
    return await this.wraps.has(hashcodes, options);
  }

  async flush(options?: OpOptions): Promise<void> {
    await this.wraps.flush(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.resolve();
  }
}

/** A read-only view of an archive with references of the other hash function. */
class RenamedArchive implements Archive {
  readonly name: string;
  readonly #archive: Archive;
  readonly #source: Store;
  readonly #transcriber: Transcriber;

  constructor(archive: Archive, source: Store, transcriber: Transcriber) {
    this.name = archive.name;
    this.#archive = archive;
    this.#source = source;
    this.#transcriber = transcriber;
  }

  async last(options?: OpOptions): Promise<ArchiveEntry | undefined> {
    let last: ArchiveEntry | undefined;
    for await (const entry of this.entries(options)) last = entry;
    return last;
  }

  async *entries(options: AllEntriesOptions = {}): AsyncGenerator<ArchiveEntry, void, undefined> {
    const lines = await linesOf(this.#archive, options);
    const names = new LineNames(this.#source, this.#transcriber, options);
    for (const [i, entry] of lines.entries()) {
      const isLast = i === lines.length - 1;
      const line = isLast ? await names.line(entry, entry.number) : names.known(entry);
      if (isLast) await this.#transcriber.save();
      if (entry.isForgotten !== true) yield { ...line, number: entry.number };
      else if (options.withForgotten === true) yield { ...line, number: entry.number, isForgotten: true };
    }
  }

  async append(): Promise<undefined> {
    return await Promise.reject(new ReadOnlyError('append to archive', this.name));
  }
}
