import type { HashName } from '../block/hash.ts';
import type { RenamedLeaves } from './leaf-table.ts';

/** The data that a worker is started with. */
export interface SweepSetup {
  readonly from: HashName;
  readonly to: HashName;
}

/** A request to read a piece of a file, or to hash the piece that was read first. */
export type SweepRequest =
  | { readonly kind: 'read'; readonly path: string; readonly offset: number; readonly size: number; readonly fileHash: HashName }
  | { readonly kind: 'hash' };

/** The end of a piece's last whole record, and the size of the next record if one begins there; or the hashed leaves. */
export type SweepReply =
  | { readonly kind: 'read'; readonly end: number; readonly nextSize: number | undefined }
  | { readonly kind: 'swept'; readonly swept: RenamedLeaves };
