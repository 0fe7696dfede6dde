/** Maximum offsets kept per table. */
const MAX_OFFSETS = 1024;

/** Maximum tables kept. */
const MAX_TABLES = 4;

/**
 * A sample of the offsets in tables of any length, in a few KiB of memory. When a table becomes too long, every second offset is dropped.
 * The choice depends only on the index in the table, so the same chunks are chosen if all of them move.
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

  /** All offsets kept, without duplicates. */
  ascending(): number[] {
    return [...new Set(this.#tables.flat())].sort((a, b) => a - b);
  }
}
