import type { OpOptions } from '../base/op-options.ts';
import type { BlockSource } from '../block/block-source.ts';
import type { BlockTarget } from '../block/block-target.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import type { HashCode } from '../block/hashcode.ts';

/** The result of `add`. */
export interface AddResult {
  readonly hashcode: HashCode;
  /** False if the Store had the Block already, even from an earlier add of this session. */
  readonly isNew: boolean;
}

/**
 * Stores Blocks by their hashcodes. Adding is idempotent. All Blocks of a Store have the same hash function.
 *
 * Every method rejects with a ClosedError after `[Symbol.asyncDispose]`, and with ECANCELLED once its signal fires.
 * Everything else that a Store can do is a capability: see `capability.ts`.
 */
export interface Store extends BlockSource, BlockTarget, AsyncDisposable {
  /** For messages; also a specification by which it can be opened again: `datadir:~/vt`. */
  readonly name: string;
  readonly edges: EdgeSettings;

  /**
   * Adds a Block. `data` is copied or written before this returns control to the event loop.
   *
   * @throws {RangeError} if data exceeds MAX_BLOCK_SIZE
   * @throws {ReadOnlyError} if `canWrite(store)` is false
   */
  add(data: Uint8Array, options?: OpOptions): Promise<AddResult>;

  /** Resolves, for each hashcode, with whether the Store has its Block. */
  has(hashcodes: readonly HashCode[], options?: OpOptions): Promise<boolean[]>;

  /** Resolves when every earlier add is durable, according to the Store's policy. */
  flush(options?: OpOptions): Promise<void>;
}
