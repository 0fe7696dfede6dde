import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { PRIVATE_ACCESS } from '../base/system/store-files.ts';
import { BlockIndex } from '../datadir/index/block-index.ts';
import type { IndexOwner, IndexRewrite, LocatedBlocks, Location, PresentDigests } from '../datadir/index/index-types.ts';
import { IndexDamagedError } from '../datadir/index/index-types.ts';
import type { IndexedPack } from './index-segment.ts';
import type { PackName } from './pack-names.ts';

/** Entries processed between two pauses for the event loop. */
const STEP = 16_384;
const GENERATION = 'generation';

/** Values to put into the cache together with Blocks. */
export type CachePuts = readonly (readonly [key: Uint8Array, value: Uint8Array])[];

/**
 * The locations of a bucket's Blocks, in a folder on this machine. It is a cache that can be rebuilt from the bucket's index segments.
 * It keeps a mark for each loaded segment and list of retired packs. Several sessions share it.
 */
export class LocalIndex {
  readonly #folder: string;
  readonly #owner: IndexOwner;
  #index: BlockIndex;
  /** The generation of the cache values that this session makes. */
  #generation: string | undefined;

  /** @param folder - a folder for this Store only */
  constructor(folder: string, owner: IndexOwner) {
    this.#folder = join(folder, 'index');
    this.#owner = owner;
    const found = BlockIndex.open(this.#folder, owner, PRIVATE_ACCESS);
    this.#index = typeof found === 'string' ? this.#made(undefined) : found;
    this.#generation = this.#index.setting(GENERATION);
  }

  #made(badId: string | undefined): BlockIndex {
    const made = BlockIndex.makeAnew(this.#folder, this.#owner, PRIVATE_ACCESS, badId);
    if (made.setting(GENERATION) === undefined) made.dropCache(GENERATION, randomUUID());
    return made;
  }

  /** Replaces the index by an empty one. */
  reset(): void {
    const badId = this.#index.id;
    this.#index.close();
    this.#index = this.#made(badId);
    this.#generation = this.#index.setting(GENERATION);
  }

  /** Runs a look-up. If the index turns out to be damaged, it is replaced and `damaged` is called. */
  #guarded<T>(lookUp: () => T, otherwise: T): T {
    try {
      return lookUp();
    } catch (error) {
      if (!(error instanceof IndexDamagedError)) throw error;
      this.reset();
      return otherwise;
    }
  }

  /** An id that changes whenever the index is replaced. */
  get id(): string {
    return this.#index.id;
  }

  /** Loads changes that other sessions on this machine have made. */
  refresh(): void {
    this.#guarded(() => this.#index.refresh(), undefined);
  }

  /** The location of a Block; `isDamaged` if it is in a retired pack. */
  get(digest: Uint8Array): Location | undefined {
    return this.#guarded(() => this.#index.get(digest), undefined);
  }

  /** Whether a Block is in a pack that is not retired. */
  has(digest: Uint8Array): boolean {
    return this.#guarded(() => this.#index.has(digest), false);
  }

  /** Whether each segment, or list of retired packs, is loaded. */
  knows(keys: readonly string[]): boolean[] {
    const marks = this.#guarded(() => this.#index.marks(), new Map());
    return keys.map((key) => marks.has(markOf(key)));
  }

  /** Ascending digests after `after` of Blocks in packs that are not retired; at most some thousand. */
  digests(after: Uint8Array | undefined): PresentDigests {
    return this.#guarded(() => this.#index.presentDigests(after, STEP), { digests: [], count: 0, last: undefined });
  }

  /** All known Blocks, ascending by digest. */
  *entries(): Generator<readonly [digest: Uint8Array, location: Location], void, undefined> {
    for (let after: Uint8Array | undefined; ; ) {
      const entries = this.#index.entries(after, STEP);
      yield* entries;
      after = entries.at(-1)?.[0];
      if (after === undefined) return;
    }
  }

  cacheGet(key: Uint8Array): Uint8Array | undefined {
    return this.#index.cacheGet(key);
  }

  /**
   * Loads packs. The location in a retired pack is only used if no other is known for the Block.
   *
   * @param key - the key of their segment; undefined for none
   */
  async add(packs: readonly IndexedPack[], key: string | undefined, retired: ReadonlySet<PackName>): Promise<void> {
    const blocks: (readonly [Uint8Array, Location])[] = [];
    for (const { name, index } of packs) {
      const isRetired = retired.has(name);
      for (const [digest, place] of index.entries()) {
        if (isRetired && this.has(digest)) continue;
        blocks.push([digest, { ...place, file: name, ...(isRetired ? { isDamaged: true } : {}) }]);
      }
    }
    await this.#commit(blocks, key, []);
  }

  /** Puts values into the cache. */
  async keep(cachePuts: CachePuts): Promise<void> {
    await this.#commit([], undefined, cachePuts);
  }

  async #commit(blocks: LocatedBlocks, key: string | undefined, cachePuts: CachePuts): Promise<void> {
    const marks = new Map(key === undefined ? [] : [[markOf(key), { indexedTo: 0, seenSize: 0 }]]);
    const generation = this.#generation === undefined ? {} : { generation: this.#generation };
    await this.#index.commit({ blocks, marks, cachePuts, ...generation }, this.#index.id);
  }

  /** Notes that packs are retired and that their list is loaded. Invalidates the cache values. */
  retire(packs: ReadonlySet<PackName>, key: string): void {
    const changes: IndexRewrite[] = [];
    for (const [digest, from] of this.entries())
      if (packs.has(from.file) && from.isDamaged !== true) changes.push({ digest, from, to: { ...from, isDamaged: true } });
    this.#index.rewrite(changes, new Map([[markOf(key), { indexedTo: 0, seenSize: 0 }]]));
    this.#generation = randomUUID();
    this.#index.dropCache(GENERATION, this.#generation);
  }

  close(): void {
    this.#index.close();
  }
}

/** The name of an object's mark: file names have no slashes. */
function markOf(key: string): string {
  return key.replaceAll('/', ':');
}
