import { VtError } from '../../core/base/errors.ts';
import type { Fields } from './fields.ts';

/** Sequences that one client has begun and not ended. */
const MAX_CURSORS = 64;

/** A sequence that is given a page at a time. */
interface Cursor {
  readonly next: () => Promise<Page>;
  readonly end: () => Promise<void>;
}

/** Items of a sequence, and whether there may be more. */
interface Page {
  readonly fields: Fields;
  readonly ended: boolean;
}

/** The sequences that a client reads, a page with each request: one that reads slowly keeps nothing but its place. */
export class Cursors {
  readonly #open = new Map<number, Cursor>();
  #last = 0;

  /**
   * Begins a sequence.
   *
   * @param pageOf - makes the fields of an answer out of items
   * @param isFull - whether a page with these items is large enough
   * @returns the first page; with `more` where there may be another
   */
  async begin<T>(
    source: AsyncIterable<T>,
    isFull: (items: readonly T[]) => boolean,
    pageOf: (items: readonly T[]) => Fields,
  ): Promise<Fields> {
    if (this.#open.size >= MAX_CURSORS) throw new VtError('EFAILED', `open another sequence: ${MAX_CURSORS} are open already`);
    const iterator = source[Symbol.asyncIterator]();
    const id = ++this.#last;
    const next = async (): Promise<Page> => {
      const items: T[] = [];
      for (;;) {
        const result = await iterator.next();
        if (result.done === true) return { fields: pageOf(items), ended: true };
        items.push(result.value);
        if (isFull(items)) return { fields: pageOf(items), ended: false };
      }
    };
    this.#open.set(id, { next, end: async () => void (await iterator.return?.()) });
    return await this.more(id);
  }

  /** The next page of a sequence. */
  async more(id: number): Promise<Fields> {
    const cursor = this.#open.get(id);
    if (cursor === undefined) throw new VtError('EFAILED', `continue sequence ${id}: it is not open`);
    try {
      const { fields, ended } = await cursor.next();
      if (ended) this.#open.delete(id);
      return ended ? fields : { ...fields, more: id };
    } catch (error) {
      this.#open.delete(id);
      throw error;
    }
  }

  /** Ends a sequence before its end. */
  async end(id: number): Promise<void> {
    const cursor = this.#open.get(id);
    this.#open.delete(id);
    await cursor?.end();
  }

  /** Ends all. */
  async clear(): Promise<void> {
    for (const id of [...this.#open.keys()]) await this.end(id);
  }
}
