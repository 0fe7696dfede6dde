import type { Store } from '../store.ts';

/** The Stores of a proxy by role. One Store may have several roles. */
export interface ProxyStores {
  /** Each added Block is written to all of them. */
  readonly save: readonly Store[];
  /** Blocks are read from these, in this order. */
  readonly read: readonly Store[];
  /** Spools: a Block that could not be written to one of `save` goes to the first of these that accepts it. */
  readonly save2: readonly Store[];
  /** Blocks that are not in `read` are read from these. */
  readonly read2: readonly Store[];
  /** Blocks found in `read2` are copied to all of these. */
  readonly copy2: readonly Store[];
}
