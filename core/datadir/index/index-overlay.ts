import { digestKey, digestOfKey } from '../../block/digest-key.ts';
import type { FileMarks, IndexBatch, Location } from './index-types.ts';

/** What data files hold and an index could not take, as on a full disk: kept in memory, beside the index. */
export class IndexOverlay {
  readonly #blocks = new Map<string, Location>();
  #marks = new Map<string, FileMarks>();
  /** The Store's generation when the first of it was seen. */
  #generation: number | undefined;

  get isEmpty(): boolean {
    return this.#blocks.size === 0;
  }

  /** The marks of the files that were read into it. */
  get marks(): ReadonlyMap<string, FileMarks> {
    return this.#marks;
  }

  /** @param generation - the Store's, at present */
  add(batch: IndexBatch, generation: number): void {
    if (this.isEmpty) this.#generation = generation;
    for (const [digest, location] of batch.blocks) this.#blocks.set(digestKey(digest), location);
    for (const [name, marks] of batch.marks) this.#marks.set(name, marks);
  }

  /** Where a Block is, or undefined. */
  get(digest: Uint8Array): Location | undefined {
    return this.isEmpty ? undefined : this.#blocks.get(digestKey(digest));
  }

  /** Whether a Block is there. A gc of another process may have set it aside, or freed it, since it was seen: that began a generation. */
  has(digest: Uint8Array, generation: () => number): boolean {
    return !this.isEmpty && this.#blocks.has(digestKey(digest)) && generation() === this.#generation;
  }

  /** All of it. */
  *entries(): Generator<readonly [digest: Uint8Array, location: Location]> {
    for (const [key, location] of this.#blocks) yield [digestOfKey(key), location];
  }

  /** Digests of an index and of this, ascending, at most `limit`, all after `after`. */
  withDigests(found: Uint8Array[], after: Uint8Array | undefined, limit: number): Uint8Array[] {
    if (this.isEmpty) return found;
    const from = after === undefined ? '' : digestKey(after);
    const merged = new Map(found.map((digest) => [digestKey(digest), digest]));
    for (const key of this.#blocks.keys()) if (key > from) merged.set(key, digestOfKey(key));
    return [...merged.keys()]
      .sort()
      .slice(0, limit)
      .flatMap((key) => merged.get(key) ?? []);
  }

  /**
   * Moves all of it into an index.
   *
   * @param limit - Blocks moved at a time
   * @param commit - puts a batch into the index; throws where there is no room yet
   */
  async moveInto(limit: number, commit: (batch: IndexBatch) => Promise<unknown>): Promise<void> {
    while (!this.isEmpty) {
      const blocks: (readonly [Uint8Array, Location])[] = [];
      for (const entry of this.entries()) {
        blocks.push(entry);
        if (blocks.length === limit) break;
      }
      // The marks are right only once all is there.
      const marks = blocks.length === this.#blocks.size ? this.#marks : new Map<string, FileMarks>();
      await commit({ blocks, marks, cachePuts: [] });
      for (const [digest] of blocks) this.#blocks.delete(digestKey(digest));
    }
    this.#marks = new Map();
  }

  clear(): void {
    this.#blocks.clear();
    this.#marks.clear();
  }
}
