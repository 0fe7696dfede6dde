import type { BlockIndex } from './index/block-index.ts';
import { isUnwritable } from './index-opening.ts';

/** The generation of a Store, as the cache beside its index counts on it: where Blocks may be gone, a new one begins and the cache is void. */
export class CacheGeneration {
  readonly #current: () => number;
  readonly #onLoss: () => void;
  /** The generation when the index was opened: what this session puts into the cache belongs to it. Empty where the cache is of no use. */
  #own: string | undefined;
  #isDropped = false;

  /**
   * @param current - the Store's generation at present
   * @param onLoss - Blocks that were there may be gone
   */
  constructor(current: () => number, onLoss: () => void) {
    this.#current = current;
    this.#onLoss = onLoss;
  }

  /** The one that this session's values belong to; undefined where the index is only read. */
  get own(): string | undefined {
    return this.#own;
  }

  /** Has an index keep a cache of the present generation, and drop one of another. */
  begin(index: BlockIndex): void {
    const generation = String(this.#current());
    this.#own = generation;
    if (index.setting('generation') === generation) return;
    try {
      index.dropCache('generation', generation);
    } catch (error) {
      if (!isUnwritable(error)) throw error;
      this.#own = ''; // what is there is of no use, and nothing is added to it
    }
  }

  /** A value of the cache. */
  get(index: BlockIndex | undefined, key: Uint8Array): Uint8Array | undefined {
    return this.#own === '' ? undefined : index?.cacheGet(key);
  }

  /** Drops the cache, once, here and for every session that opens the Store later: Blocks that it counts on are not there. */
  drop(index: BlockIndex): void {
    if (this.#isDropped) return;
    this.#isDropped = true;
    const isOurs = index.setting('generation') === this.#own;
    this.beginNext(index);
    // Where another session has dropped it before, what this one made of it since its start does not count.
    if (!isOurs) this.#own = '';
  }

  /** Begins a new generation of the Store: every session's cache is void from now on. */
  beginNext(index: BlockIndex): void {
    this.#onLoss();
    this.begin(index);
  }
}
