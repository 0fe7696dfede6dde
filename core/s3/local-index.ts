import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { PRIVATE_ACCESS } from '../base/system/store-files.ts';
import { BlockIndex } from '../datadir/index/block-index.ts';
import type { IndexOwner, IndexRewrite, LocatedBlocks, Location, PresentDigests } from '../datadir/index/index-types.ts';
import { IndexDamagedError } from '../datadir/index/index-types.ts';
import type { IndexedPack } from './index-segment.ts';
import type { PackName } from './pack-names.ts';

/** Entries looked through in one turn. */
const STEP = 16_384;
const GENERATION = 'generation';

/** What is put into the cache with Blocks. */
export type CachePuts = readonly (readonly [key: Uint8Array, value: Uint8Array])[];

/**
 * Where the Blocks of a bucket lie, in a folder of this machine: a cache, made anew from the bucket's index segments when it is lost
 * or damaged. Which segments and lists of retired packs it knows it keeps as marks. Several sessions share it.
 */
export class LocalIndex {
  readonly #folder: string;
  readonly #owner: IndexOwner;
  #index: BlockIndex;
  /** The generation in which this session's values of the cache are made. */
  #generation: string | undefined;

  /** @param folder - of this Store alone */
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

  /** Makes it anew, empty. */
  reset(): void {
    const badId = this.#index.id;
    this.#index.close();
    this.#index = this.#made(badId);
    this.#generation = this.#index.setting(GENERATION);
  }

  /** Runs a look-up; an index that turns out to be damaged is made anew, and `damaged` told. */
  #guarded<T>(lookUp: () => T, otherwise: T): T {
    try {
      return lookUp();
    } catch (error) {
      if (!(error instanceof IndexDamagedError)) throw error;
      this.reset();
      return otherwise;
    }
  }

  /** Another one each time that it is made anew. */
  get id(): string {
    return this.#index.id;
  }

  /** Sees what other sessions of this machine have put. */
  refresh(): void {
    this.#guarded(() => this.#index.refresh(), undefined);
  }

  /** Where a Block lies; in a retired pack where `isDamaged`. */
  get(digest: Uint8Array): Location | undefined {
    return this.#guarded(() => this.#index.get(digest), undefined);
  }

  /** Whether a Block lies in a pack that is not retired. */
  has(digest: Uint8Array): boolean {
    return this.#guarded(() => this.#index.has(digest), false);
  }

  /** Whether a segment, or a list of retired packs, is known. */
  knows(keys: readonly string[]): boolean[] {
    const marks = this.#guarded(() => this.#index.marks(), new Map());
    return keys.map((key) => marks.has(markOf(key)));
  }

  /** Digests of Blocks in packs that are not retired, ascending, behind `after`; at most some thousand. */
  digests(after: Uint8Array | undefined): PresentDigests {
    return this.#guarded(() => this.#index.presentDigests(after, STEP), { digests: [], count: 0, last: undefined });
  }

  /** Every Block that it knows, ascending by digest. */
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
   * Takes in packs. What lies in a retired one counts only where nothing else is known of the Block.
   *
   * @param key - of the segment that tells of them; undefined for none
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

  /** Keeps values. */
  async keep(cachePuts: CachePuts): Promise<void> {
    await this.#commit([], undefined, cachePuts);
  }

  async #commit(blocks: LocatedBlocks, key: string | undefined, cachePuts: CachePuts): Promise<void> {
    const marks = new Map(key === undefined ? [] : [[markOf(key), { indexedTo: 0, seenSize: 0 }]]);
    const generation = this.#generation === undefined ? {} : { generation: this.#generation };
    await this.#index.commit({ blocks, marks, cachePuts, ...generation }, this.#index.id);
  }

  /** Notes that packs are retired, and that the list which says so is known. What the cache promised of Blocks is void. */
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

/** The name by which an object is noted: names of files have no slashes. */
function markOf(key: string): string {
  return key.replaceAll('/', ':');
}
