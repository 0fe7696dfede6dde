import { digestKey } from '../block/digest-key.ts';
import type { DatadirIndex } from './datadir-index.ts';
import { DigestFilter } from './digest-filter.ts';
import type { Location } from './index/index-types.ts';
import { RecentBlocks } from './recent-blocks.ts';

/** Indexed Blocks remembered whole: 16 MB. */
const MAX_REMEMBERED = 2 ** 18;

/** The index is read whole, at a million Blocks a second, once a quarter as many were looked up in it; not where it has more than this. */
const MAX_LOADED = 2 ** 22;

/** Blocks looked up one by one before the index is read whole. */
const MIN_LOOK_UPS = 4096;

/** Digests read at a time. */
const LOAD_STEP = 16384;

/** What of the index KnownBlocks uses. */
export type KnownIndex = Pick<DatadirIndex, 'has' | 'presentDigests' | 'standing'>;

/**
 * Which Blocks a datadir has, without a look into the index for each, which takes 3 µs: what this session added, and what
 * it has seen of the index. What is not known here is new as long as the index holds nothing but what was seen; where
 * another session adds to it, it is asked again. Where Blocks may be gone, all that was seen is forgotten.
 */
export class KnownBlocks {
  /** Those that were added, and wait for the index or not; and those of the index that were read. */
  readonly recent: RecentBlocks;
  readonly #index: KnownIndex;
  /** Blocks that are there but damaged: they may be added again. */
  readonly #damaged = new Set<string>();
  /** The change of the index up to which all that it holds is in `recent` or in the filter; undefined where that is not so. */
  #completeAt: number | undefined;
  #generation: string | undefined;
  #isComplete = false;
  #filter: DigestFilter | undefined;
  #lookUps = 0;

  constructor(digestSize: number, index: KnownIndex) {
    this.recent = new RecentBlocks(digestSize, MAX_REMEMBERED);
    this.#index = index;
  }

  /** To be called before each batch, once the index has been refreshed: sees whether what is remembered still holds. */
  begin(): void {
    const { generation, blocks, changes } = this.#index.standing();
    if (generation !== this.#generation) this.#forget(generation);
    if (blocks === 0) this.#completeAt = changes;
    this.#isComplete = changes === this.#completeAt;
    if (!this.#isComplete && this.#lookUps >= Math.max(MIN_LOOK_UPS, blocks / 4) && blocks <= MAX_LOADED && this.recent.isAllIndexed)
      this.#load(blocks, changes);
  }

  // Another session has deleted Blocks, or may have.
  #forget(generation: string | undefined): void {
    this.recent.forgetIndexed();
    this.#filter = undefined;
    this.#completeAt = undefined;
    this.#generation = generation;
  }

  #load(blocks: number, changes: number): void {
    this.#forget(this.#generation);
    this.#lookUps = 0;
    if (blocks > MAX_REMEMBERED) this.#filter = new DigestFilter();
    let after: Uint8Array | undefined;
    for (;;) {
      const { digests, last } = this.#index.presentDigests(after, LOAD_STEP);
      for (const digest of digests) {
        if (this.#damaged.size > 0 && this.#damaged.has(digestKey(digest))) continue;
        if (this.#filter === undefined) this.recent.addIndexed(digest);
        else this.#filter.add(digest, 0);
      }
      if (last === undefined) break;
      after = last;
    }
    this.#completeAt = changes;
    this.#isComplete = true;
  }

  /** Whether the Store has a Block. @param at - where its digest is in `digests`, which may be those of many */
  has(digests: Uint8Array, at: number, digestSize: number): boolean {
    if (this.recent.find(digests, at) >= 0) return true;
    if (this.#isComplete && (this.#filter === undefined || !this.#filter.mayHave(digests, at))) return false;
    this.#lookUps++;
    const digest = digests.subarray(at, at + digestSize);
    return this.#index.has(digest) && !(this.#damaged.size > 0 && this.#damaged.has(digestKey(digest)));
  }

  /** Where a Block is that waits for the index; others may have been moved. */
  location(digest: Uint8Array): Location | undefined {
    if (this.recent.isAllIndexed) return undefined;
    const entry = this.recent.find(digest, 0);
    return entry >= 0 && this.recent.isWaiting(entry) ? this.recent.location(entry) : undefined;
  }

  /**
   * The index has the Blocks up to a position.
   *
   * @param before - the last change of the index before they came, and the one they came with
   */
  markIndexed(upTo: number, { before, after }: { readonly before: number; readonly after: number }): void {
    if (this.#completeAt === before) this.#completeAt = after;
    if (!this.recent.markIndexed(upTo)) return;
    const filter = this.#filter ?? new DigestFilter();
    this.#filter = filter;
    this.recent.dropIndexed((digests, at) => filter.add(digests, at));
  }

  /** A Block is damaged where it is. @returns whether that is news */
  noteDamage(digest: Uint8Array): boolean {
    const key = digestKey(digest);
    if (this.#damaged.has(key)) return false;
    this.#damaged.add(key);
    const entry = this.recent.find(digest, 0);
    if (entry >= 0) this.recent.remove(entry);
    return true;
  }

  /** A Block was added again. */
  noteAdded(digests: Uint8Array, at: number, digestSize: number): void {
    if (this.#damaged.size > 0) this.#damaged.delete(digestKey(digests.subarray(at, at + digestSize)));
  }
}
