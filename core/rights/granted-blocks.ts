import type { Archive, ArchiveEntry } from '../archive/archive.ts';
import { newestFirst } from '../archive/newest-first.ts';
import { VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { BlockSource } from '../block/block-source.ts';
import { DigestTable } from '../block/digest-table.ts';
import { hashByName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import { NeededBlocks } from '../sync/needed-blocks.ts';
import { ROOT_PATH } from '../tree/path.ts';

/** Bytes kept of a digest: nobody makes a Block that has those of another. */
const KEPT_SIZE = 16;
/** Blocks of a client that may read a part: some 30 bytes of memory each. */
const MAX_GRANTED = 4 * 1024 * 1024;

/** What is open to somebody: archives, by name, as they may see them. */
export type OpenArchives = (options: OpOptions) => Promise<ReadonlyMap<string, Archive>>;

/**
 * The Blocks that a client with partial rights may read: those below the states of some archives, and those that it added.
 * To know the hashcode of another is no right to it.
 *
 * The trees are walked when the first Block is asked for; later, when an archive has a new state, what is new in it is.
 */
export class GrantedBlocks {
  readonly #source: BlockSource;
  readonly #archives: OpenArchives;
  readonly #maxCount: number;
  readonly #granted = new DigestTable(KEPT_SIZE);
  /** Dirs below which all was walked. */
  readonly #complete: DigestTable;
  /** The newest state that was walked, of each archive. */
  readonly #walked = new Map<string, string>();
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  readonly #end = new AbortController();
  readonly #hashName: HashCode['hashName'];

  /** @param source - the Store with all its Blocks */
  constructor(source: BlockSource, hashName: HashCode['hashName'], archives: OpenArchives, maxCount = MAX_GRANTED) {
    this.#source = source;
    this.#hashName = hashName;
    this.#archives = archives;
    this.#maxCount = maxCount;
    this.#complete = new DigestTable(hashByName(hashName).digestSize);
  }

  /** Which of some Blocks are granted. @throws {VtError} EUNSUPPORTED where they are too many to be distinguished */
  async has(digests: readonly Uint8Array[]): Promise<boolean[]> {
    if (digests.every((digest) => this.#granted.has(digest))) return digests.map(() => true);
    // It would be found out again by a walk for each request.
    if (this.#granted.count > this.#maxCount) throw tooMany(this.#maxCount);
    // A request during a walk is answered by the next walk: a state may have been recorded meanwhile.
    this.#next ??= this.#afterRunning();
    await this.#next;
    return digests.map((digest) => this.#granted.has(digest));
  }

  /** Whether a Block is known to be granted, as far as was walked. */
  isKnown(digest: Uint8Array): boolean {
    return this.#granted.has(digest);
  }

  /** Grants a Block to who added it: its bytes are known to them. */
  grant(digest: Uint8Array): void {
    if (this.#granted.set(digest) && this.#granted.count > this.#maxCount) throw tooMany(this.#maxCount);
  }

  close(): void {
    this.#end.abort();
  }

  async #afterRunning(): Promise<void> {
    await this.#running?.catch(() => undefined);
    this.#next = undefined;
    this.#running = this.#walkNew();
    await this.#running;
  }

  async #walkNew(): Promise<void> {
    const { signal } = this.#end;
    for (const [name, archive] of await this.#archives({ signal })) {
      const last = await archive.last({ signal });
      const walked = this.#walked.get(name);
      if (last === undefined || keyOf(last) === walked) continue;
      for await (const entry of newestFirst(archive, { signal })) {
        if (keyOf(entry) === walked) break;
        await this.#walk(entry, signal);
      }
      this.#walked.set(name, keyOf(last));
    }
  }

  async #walk({ dirent }: ArchiveEntry, signal: AbortSignal): Promise<void> {
    const source: BlockSource = {
      name: this.#source.name,
      get: async (hashcode, options) => {
        this.grant(hashcode.digest);
        return await this.#source.get(hashcode, options);
      },
    };
    const walk = new NeededBlocks(source, hashByName(this.#hashName), {
      isComplete: (digest) => this.#complete.has(digest),
      leaf: (digest) => this.grant(digest),
      signal,
    });
    await walk.dirent(dirent, ROOT_PATH);
    // Where a Block is missing it may come later: then all is looked at again.
    if (walk.faults.length === 0) for (const digest of walk.dirs) this.#complete.set(digest);
  }
}

function keyOf({ whenNs, dirent }: ArchiveEntry): string {
  return `${whenNs} ${formatDirent(dirent)}`;
}

function tooMany(most: number): VtError {
  return new VtError('EUNSUPPORTED', `tell which Blocks may be read: there are more than ${most}`, {
    remedy: 'give the right to read a smaller part, or all',
  });
}
