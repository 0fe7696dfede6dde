import type { Octets } from '../base/octets.ts';
import type { FileSignature } from '../base/system/file-signature.ts';
import type { Block } from '../block/block.ts';
import type { BlockSink } from '../block/block-sink.ts';
import { DirWriter } from '../dirent/dir-codec.ts';
import type { CachedDir, CachedEntry, OwnerPairs } from './import-cache.ts';
import { CacheWriter } from './import-cache.ts';

/** The result of importing an entry of a local directory. */
export interface EntryOutcome {
  /** The encoded Dirent with its length prefix; undefined if the entry is left out. */
  readonly record: Uint8Array | undefined;
  /** The signature for the cache; undefined if it cannot be trusted. */
  readonly signature?: FileSignature | undefined;
  /** For the first name of a hard link, the encoded node; for another name empty. */
  readonly node?: Uint8Array | undefined;
  /** The cached entry is unchanged in every byte. */
  readonly same?: boolean | undefined;
  /** Number of names of hard links: 1 for such a name, for a Dir all below it. */
  readonly links?: number;
}

/** An entry of a local directory that is being imported. */
export interface ImportedEntry {
  readonly name: Octets;
  readonly cached: CachedEntry | undefined;
  outcome: EntryOutcome | undefined;
}

/** The result of importing a directory. */
export interface ImportedDirBlock {
  readonly block: Block;
  readonly links: number;
  /** The new cache value; undefined if the cached one is still valid. */
  readonly cacheValue: Uint8Array | undefined;
}

/**
 * A directory that is being imported. Entries are opened in the order of names, and finished in any order. An entry is encoded once all
 * before it are finished. As long as all are unchanged, nothing is encoded. If none has changed, the cached Block is used.
 */
export class ImportedDir {
  readonly #sink: BlockSink;
  readonly #cached: CachedDir | undefined;
  readonly #owners: OwnerPairs;
  readonly #done: (dir: ImportedDirBlock) => void;
  readonly #queue: ImportedEntry[] = [];
  #head = 0;
  #closed = false;
  #links = 0;
  /** The offset in the cached value up to which all entries are unchanged. */
  #sameUpTo: number;
  #dir: DirWriter | undefined;
  #cache: CacheWriter | undefined;

  /** @param done - called once, when the directory is closed and all its entries are finished */
  constructor(sink: BlockSink, cached: CachedDir | undefined, owners: OwnerPairs, done: (dir: ImportedDirBlock) => void) {
    this.#sink = sink;
    this.#cached = cached;
    this.#owners = owners;
    this.#done = done;
    this.#sameUpTo = cached?.start ?? 0;
  }

  /** Adds the next entry, by name. */
  open(name: Octets, cached: CachedEntry | undefined): ImportedEntry {
    const entry: ImportedEntry = { name, cached, outcome: undefined };
    this.#queue.push(entry);
    return entry;
  }

  finish(entry: ImportedEntry, outcome: EntryOutcome): void {
    entry.outcome = outcome;
    if (this.#queue[this.#head] === entry) this.#drain();
  }

  /** Called after the last entry has been opened. */
  close(): void {
    this.#closed = true;
    this.#drain();
  }

  #drain(): void {
    const queue = this.#queue;
    for (let entry = queue[this.#head]; entry?.outcome !== undefined; entry = queue[this.#head]) {
      this.#head++;
      this.#encode(entry, entry.outcome);
    }
    if (this.#head > 1024 || this.#head === queue.length) {
      queue.splice(0, this.#head);
      this.#head = 0;
    }
    if (this.#closed && queue.length === 0) this.#finish();
  }

  #encode({ name, cached }: ImportedEntry, outcome: EntryOutcome): void {
    const { record } = outcome;
    if (record === undefined) return;
    this.#links += outcome.links ?? 0;
    if (this.#dir === undefined && outcome.same === true && cached?.start === this.#sameUpTo) {
      this.#sameUpTo = cached.end;
      return;
    }
    const { dir, cache } = this.#begin();
    dir.addRecord(name, record);
    cache.add(name, outcome.signature, record, outcome.node);
  }

  /** Starts to encode, beginning with the unchanged entries so far. */
  #begin(): { readonly dir: DirWriter; readonly cache: CacheWriter } {
    if (this.#dir !== undefined && this.#cache !== undefined) return { dir: this.#dir, cache: this.#cache };
    this.#dir = new DirWriter(this.#sink);
    this.#cache = new CacheWriter();
    if (this.#cached !== undefined) {
      const { start, value } = this.#cached;
      for (
        let entry = this.#cached.entryAt(start);
        entry !== undefined && entry.start < this.#sameUpTo;
        entry = this.#cached.entryAt(entry.end)
      ) {
        this.#dir.addRecord(entry.name, entry.record);
      }
      this.#cache.copy(value.subarray(start, this.#sameUpTo));
    }
    return { dir: this.#dir, cache: this.#cache };
  }

  #finish(): void {
    const cached = this.#cached;
    if (this.#dir === undefined && cached !== undefined && this.#sameUpTo === cached.value.length) {
      this.#done({ block: cached.block, links: this.#links, cacheValue: undefined });
      return;
    }
    const { dir, cache } = this.#begin();
    const block = dir.finish();
    this.#done({ block, links: this.#links, cacheValue: cache.finish(block, this.#links, this.#owners) });
  }
}
