import type { Block } from '../block/block.ts';
import type { ByteRange } from './byte-ranges.ts';
import type { Validators } from './preconditions.ts';

/** The answer to a GET of a URL. */
export interface Representation extends Validators {
  readonly contentType: string;
  /** Size in bytes; undefined if it is unknown in advance: then ranges cannot be requested. */
  readonly size: number | undefined;
  /** Further headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The Block with these bytes. */
  readonly block?: Block | undefined;
  /** Tells whether it is still the answer of its URL; undefined if that cannot be known at once. */
  readonly lasts?: (() => boolean) | undefined;
  /** Its bytes, if they are in memory. */
  readonly bytes?: Uint8Array | undefined;
  /** Its bytes, or those of a range. Chunks are never reused. */
  read(range: ByteRange | undefined, signal: AbortSignal): AsyncIterable<Uint8Array>;
}
