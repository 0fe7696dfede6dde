/**
 * When what is added is made to outlive a loss of power. `strict`: before each batch of adds is acknowledged. `batch`:
 * before anything refers to it (the index, the archive), many adds at once. `none`: never, the system writes when it likes.
 *
 * @see vt(5), "Durability"
 */
export type Durability = 'strict' | 'batch' | 'none';

/** Every durability. */
export const DURABILITIES: readonly Durability[] = ['strict', 'batch', 'none'];

/** The default. */
export const DEFAULT_DURABILITY: Durability = 'batch';

/** A durability that somebody else told; undefined for what is none. */
export function readDurability(told: unknown): Durability | undefined {
  return DURABILITIES.find((known) => known === told);
}
