import type { OpOptions } from '../base/op-options.ts';
import type { HashCode } from './hashcode.ts';

/** What only gives Blocks, as a walker needs it. Every Store is one. */
export interface BlockSource {
  /** For messages. */
  readonly name: string;

  /**
   * The bytes of a Block, verified against its hashcode, or undefined where it is not there.
   * The array is the caller's to keep, not to modify.
   *
   * @throws {CorruptBlockError} if what is stored does not match
   */
  get(hashcode: HashCode, options?: OpOptions): Promise<Uint8Array | undefined>;
}
