import type { Store } from '../store.ts';

/** The Stores of a proxy by role. One Store may have several roles. */
export interface ProxyStores {
  /** Every added Block is written to each of them. */
  readonly save: readonly Store[];
  /** Asked for Blocks, in this order. */
  readonly read: readonly Store[];
  /** Spools: what could not be saved to one of `save` goes to the first of them that takes it. */
  readonly save2: readonly Store[];
  /** Asked for what is not found in `read`. */
  readonly read2: readonly Store[];
  /** What is found in `read2` is kept in each of them. */
  readonly copy2: readonly Store[];
}
