/** Offsets kept of one table. */
const MAX_OFFSETS = 1024;

/** Tables that are kept. */
const MAX_TABLES = 4;

/**
 * The offsets in tables of any length, in memory of a few KiB: of a table too long every second is forgotten, again and again.
 * Which are kept depends on their number in the table alone, so the same chunks are known again when all of them have moved.
 */
export class ThinnedOffsets {
  readonly #tables: number[][] = [];
  #step = 1;
  #count = 0;

  /** Whether there was no table. */
  get isEmpty(): boolean {
    return this.#tables.length === 0;
  }

  /** Begins a table. Beyond the fourth, tables are ignored. */
  begin(): void {
    this.#tables.push([]);
    this.#step = 1;
    this.#count = 0;
  }

  add(offset: number): void {
    const table = this.#tables.at(-1);
    if (table === undefined || this.#tables.length > MAX_TABLES) return;
    if (this.#count++ % this.#step !== 0) return;
    table.push(offset);
    if (table.length <= MAX_OFFSETS) return;
    this.#step *= 2;
    this.#tables[this.#tables.length - 1] = table.filter((_, i) => i % 2 === 0);
  }

  /** All that are kept, once each. */
  ascending(): number[] {
    return [...new Set(this.#tables.flat())].sort((a, b) => a - b);
  }
}
