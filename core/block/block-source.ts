import type { OpOptions } from '../base/op-options.ts';
import type { HashCode } from './hashcode.ts';

/** Gets Blocks: all that a walk needs. Every Store is a BlockSource. */
export interface BlockSource {
  /** For messages. */
  readonly name: string;

  /**
   * The bytes of a Block, verified against its hashcode, or undefined if the source does not have it. The caller may keep the array, but
   * must not modify it.
   *
   * @throws {CorruptBlockError} if the stored bytes do not match the hashcode
   */
  get(hashcode: HashCode, options?: OpOptions): Promise<Uint8Array | undefined>;
}
