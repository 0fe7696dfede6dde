import { capability } from '../store/capability.ts';
import type { Store } from '../store/store.ts';

/** A Store as its trees are read, where its Blocks are in another: maintenance walks the one, and works on the other. */
export interface StoreView {
  readonly store: Store;
  /** Where its Blocks are: a datadir, a bucket. */
  readonly below: Store;
  /** The name that a Block has there. */
  readonly nameOf: (digest: Uint8Array) => Uint8Array;
}

/** What maintenance sees of a Store: a sealed one is walked opened, and its Blocks are sealed. */
export function viewOf(store: Store): StoreView {
  const sealing = capability(store, 'sealing');
  if (sealing === undefined) return { store, below: store, nameOf: (digest) => digest };
  return { store, below: sealing.below, nameOf: (digest) => sealing.names(digest) };
}
