import type { BlockIndex } from './index/block-index.ts';
import { isUnwritable } from './index-opening.ts';

/**
 * The generation of a Store, to which the cache beside its index belongs. When Blocks may be lost, a new generation begins, and the cache
 * is invalid.
 */
export class CacheGeneration {
  readonly #current: () => number;
  readonly #onLoss: () => void;
  /** The generation when the index was opened, to which this session's cache values belong. Empty if the cache cannot be used. */
  #own: string | undefined;
  #isDropped = false;

  /**
   * @param current - reads the Store's current generation
   * @param onLoss - called when Blocks may be lost; must increase the generation
   */
  constructor(current: () => number, onLoss: () => void) {
    this.#current = current;
    this.#onLoss = onLoss;
  }

  /** The generation to which this session's values belong; undefined if the index is read-only. */
  get own(): string | undefined {
    return this.#own;
  }

  /** Sets an index's cache to the current generation, and drops the values of another. */
  begin(index: BlockIndex): void {
    const generation = String(this.#current());
    this.#own = generation;
    if (index.setting('generation') === generation) return;
    try {
      index.dropCache('generation', generation);
    } catch (error) {
      if (!isUnwritable(error)) throw error;
      this.#own = ''; // the cache is invalid, and nothing is added to it
    }
  }

  /** A value of the cache. */
  get(index: BlockIndex | undefined, key: Uint8Array): Uint8Array | undefined {
    return this.#own === '' ? undefined : index?.cacheGet(key);
  }

  /** Drops the cache, for this session and later ones, because Blocks to which it refers are missing. Works once per session. */
  drop(index: BlockIndex): void {
    if (this.#isDropped) return;
    this.#isDropped = true;
    const isOurs = index.setting('generation') === this.#own;
    this.beginNext(index);
    // If another session has dropped it before, this session's view of the cache is invalid as well.
    if (!isOurs) this.#own = '';
  }

  /** Begins a new generation of the Store, which invalidates the cache of every session. */
  beginNext(index: BlockIndex): void {
    this.#onLoss();
    this.begin(index);
  }
}
