/**
 * When added Blocks are made to survive a power failure. `strict`: before each batch of adds is acknowledged. `batch`: many
 * adds at once, before the index or an archive refers to them. `none`: never explicitly; the system decides when to write.
 *
 * @see vt(5), "Durability"
 */
export type Durability = 'strict' | 'batch' | 'none';

/** All durabilities. */
export const DURABILITIES: readonly Durability[] = ['strict', 'batch', 'none'];

/** The default. */
export const DEFAULT_DURABILITY: Durability = 'batch';

/** Reads a durability from untrusted input; undefined if it is invalid. */
export function readDurability(told: unknown): Durability | undefined {
  return DURABILITIES.find((known) => known === told);
}
