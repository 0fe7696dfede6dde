import type { RunCursor } from './index-run.ts';

/** Goes over the records of several runs in the order of their keys; of records with one key it gives the newest. */
export class MergedRecords {
  /** Newest first; those that are at a record. */
  #cursors: RunCursor[];
  /** Those that are behind a record that was given, or another of its key. */
  #toMove: RunCursor[];

  /** @param cursors - newest first */
  constructor(cursors: readonly RunCursor[]) {
    this.#cursors = [...cursors];
    this.#toMove = [...cursors];
  }

  /** The cursor at the next record, which is still until the next call; undefined at the end. */
  next(): RunCursor | undefined {
    for (const cursor of this.#toMove) if (!cursor.next()) this.#cursors = this.#cursors.filter((other) => other !== cursor);
    this.#toMove.length = 0;
    let first: RunCursor | undefined;
    for (const cursor of this.#cursors) {
      const order = first === undefined ? -1 : compare(cursor, first);
      if (order > 0) continue;
      // Of one key: the cursor that came first is of a newer run.
      if (order === 0) this.#toMove.push(cursor);
      else {
        first = cursor;
        this.#toMove.length = 0;
      }
    }
    if (first !== undefined) this.#toMove.push(first);
    return first;
  }
}

function compare(a: RunCursor, b: RunCursor): number {
  if (a.prefix !== b.prefix) return a.prefix - b.prefix;
  const { keySize } = a.run.shape;
  return a.octets.compare(b.octets, b.at, b.at + keySize, a.at, a.at + keySize);
}
