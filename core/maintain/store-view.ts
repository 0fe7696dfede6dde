import { capability } from '../store/capability.ts';
import type { Store } from '../store/store.ts';

/** A Store whose Blocks are in another Store: maintenance walks the trees of the first and works on the Blocks of the other. */
export interface StoreView {
  readonly store: Store;
  /** The Store that has its Blocks: a datadir, a bucket. */
  readonly below: Store;
  /** Gives the digest of a Block in the Store below. */
  readonly nameOf: (digest: Uint8Array) => Uint8Array;
}

/** Makes the view of a Store. The trees of a sealed Store are read decrypted, and its Blocks are found by their sealed names. */
export function viewOf(store: Store): StoreView {
  const sealing = capability(store, 'sealing');
  if (sealing === undefined) return { store, below: store, nameOf: (digest) => digest };
  return { store, below: sealing.below, nameOf: (digest) => sealing.names(digest) };
}
