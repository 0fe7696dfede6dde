import { VtError } from '../../core/base/errors.ts';
import type { Fields } from './fields.ts';

/** Open sequences of one client, at most. */
const MAX_CURSORS = 64;

/** A sequence that is sent a page at a time. */
interface Cursor {
  readonly next: () => Promise<Page>;
  readonly end: () => Promise<void>;
}

/** Items of a sequence, and whether more may follow. */
interface Page {
  readonly fields: Fields;
  readonly ended: boolean;
}

/** The sequences that a client reads, one page for each request. For a slow reader only the position is kept. */
export class Cursors {
  readonly #open = new Map<number, Cursor>();
  #last = 0;

  /**
   * Begins a sequence.
   *
   * @param pageOf - converts items to the fields of an answer
   * @param isFull - whether a page with these items is large enough
   * @returns the first page; with `more` if another may follow
   * @throws {VtError} EFAILED if the client has too many sequences open
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

  /** The next page of a sequence. @throws {VtError} EFAILED if the sequence is not open */
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

  /** Ends all sequences. */
  async clear(): Promise<void> {
    for (const id of [...this.#open.keys()]) await this.end(id);
  }
}
