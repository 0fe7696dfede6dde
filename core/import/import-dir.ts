import type { Octets } from '../base/octets.ts';
import type { FileSignature } from '../base/system/file-signature.ts';
import type { Block } from '../block/block.ts';
import type { BlockSink } from '../block/block-sink.ts';
import { DirWriter } from '../dirent/dir-codec.ts';
import type { CachedDir, CachedEntry, OwnerPairs } from './import-cache.ts';
import { CacheWriter } from './import-cache.ts';

/** What became of an entry of a local directory. */
export interface EntryOutcome {
  /** The encoded Dirent, its length in front; undefined where the entry is left out. */
  readonly record: Uint8Array | undefined;
  /** Where it is to be remembered as unchanged under this. */
  readonly signature?: FileSignature | undefined;
  /** Of the first name of a hard link: the encoded node; of another name empty. */
  readonly node?: Uint8Array | undefined;
  /** The remembered entry still holds in every byte. */
  readonly same?: boolean | undefined;
  /** Names of hard links: 1 for one, of a Dir those below. */
  readonly links?: number;
}

/** An entry of a local directory on its way. */
export interface ImportedEntry {
  readonly name: Octets;
  readonly cached: CachedEntry | undefined;
  outcome: EntryOutcome | undefined;
}

/** What a directory became. */
export interface ImportedDirBlock {
  readonly block: Block;
  readonly links: number;
  /** To be remembered; undefined where what is remembered still holds. */
  readonly cacheValue: Uint8Array | undefined;
}

/**
 * A directory while it is imported. Entries are opened in order of their names, and settled in any order; they are
 * encoded as soon as all before them are settled. As long as each is as it is remembered, nothing is encoded at all:
 * then the remembered Block is the Dir's.
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
  /** Remembered entries up to here hold. */
  #sameUpTo: number;
  #dir: DirWriter | undefined;
  #cache: CacheWriter | undefined;

  /** @param done - called once, when the directory is closed and all its entries are settled */
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

  /** No more entries come. */
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

  /** Starts to encode, with the entries that are as they are remembered. */
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
