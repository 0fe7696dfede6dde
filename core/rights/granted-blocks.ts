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

/** Bytes kept of each digest; 128 bits make collisions practically impossible. */
const KEPT_SIZE = 16;
/** Blocks that one client with partial rights may read; each takes about 30 bytes of memory. */
const MAX_GRANTED = 4 * 1024 * 1024;

/** Gives the archives that a client may read, by name, as the client sees them. */
export type OpenArchives = (options: OpOptions) => Promise<ReadonlyMap<string, Archive>>;

/**
 * The Blocks that a client with partial rights may read: those of the states of its archives, and those that it added. Knowing the hashcode
 * of another Block gives no right to it.
 *
 * The trees are walked when the first Block is requested. When an archive has new states, only what is new in them is walked.
 */
export class GrantedBlocks {
  readonly #source: BlockSource;
  readonly #archives: OpenArchives;
  readonly #maxCount: number;
  readonly #granted = new DigestTable(KEPT_SIZE);
  /** Dirs that were walked completely. */
  readonly #complete: DigestTable;
  /** The newest walked state of each archive. */
  readonly #walked = new Map<string, string>();
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  readonly #end = new AbortController();
  readonly #hashName: HashCode['hashName'];

  /**
   * @param source - the Store with all Blocks
   * @param hashName - its hash function
   * @param archives - the client's archives
   * @param maxCount - the most Blocks that may be granted
   */
  constructor(source: BlockSource, hashName: HashCode['hashName'], archives: OpenArchives, maxCount = MAX_GRANTED) {
    this.#source = source;
    this.#hashName = hashName;
    this.#archives = archives;
    this.#maxCount = maxCount;
    this.#complete = new DigestTable(hashByName(hashName).digestSize);
  }

  /** Whether each of some Blocks is granted. @throws {VtError} EUNSUPPORTED if more Blocks are granted than can be tracked */
  async has(digests: readonly Uint8Array[]): Promise<boolean[]> {
    if (digests.every((digest) => this.#granted.has(digest))) return digests.map(() => true);
    // Without this, each request would cause a walk with the same result.
    if (this.#granted.count > this.#maxCount) throw tooMany(this.#maxCount);
    // A request during a walk is answered by the next walk: a state may have been recorded meanwhile.
    this.#next ??= this.#afterRunning();
    await this.#next;
    return digests.map((digest) => this.#granted.has(digest));
  }

  /** Whether a Block is granted by what was walked or added so far. */
  isKnown(digest: Uint8Array): boolean {
    return this.#granted.has(digest);
  }

  /** Grants a Block to the client that added it and so knows its bytes. @throws {VtError} EUNSUPPORTED beyond the limit */
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
    // A missing Block may arrive later, so a tree with faults is walked again.
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
