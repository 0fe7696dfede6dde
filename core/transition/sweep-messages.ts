import type { HashName } from '../block/hash.ts';
import type { RenamedLeaves } from './leaf-table.ts';

/** What a worker is started with. */
export interface SweepSetup {
  readonly from: HashName;
  readonly to: HashName;
}

/** Asks for a piece of a file to be read, or for the piece that was read first to be hashed. */
export type SweepRequest =
  | { readonly kind: 'read'; readonly path: string; readonly offset: number; readonly size: number; readonly fileHash: HashName }
  | { readonly kind: 'hash' };

/** Where the last whole record of a piece ends, and the size of the next one where one begins there; or what was hashed. */
export type SweepReply =
  | { readonly kind: 'read'; readonly end: number; readonly nextSize: number | undefined }
  | { readonly kind: 'swept'; readonly swept: RenamedLeaves };
