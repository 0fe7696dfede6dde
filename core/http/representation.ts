import type { Block } from '../block/block.ts';
import type { ByteRange } from './byte-ranges.ts';
import type { Validators } from './preconditions.ts';

/** What a GET of a URL gives. */
export interface Representation extends Validators {
  readonly contentType: string;
  /** Bytes; undefined where only their end shows how many they are: then no part of it can be asked for. */
  readonly size: number | undefined;
  /** Further headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The Block whose bytes it has. */
  readonly block?: Block | undefined;
  /** Whether it still is what its URL gives; undefined where that is not known at once. */
  readonly lasts?: (() => boolean) | undefined;
  /** Its bytes, where they are in memory. */
  readonly bytes?: Uint8Array | undefined;
  /** Its bytes, or those of a range. Each chunk stays as it is for as long as it is held. */
  read(range: ByteRange | undefined, signal: AbortSignal): AsyncIterable<Uint8Array>;
}
