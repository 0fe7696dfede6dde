import type { ArchiveEntry } from '../archive/archive.ts';
import type { DirDirent } from '../dirent/dirent.ts';
import { sameDirent } from '../dirent/dirent-compare.ts';

/**
 * Numbers of roots that are read ahead: the first batch, and the largest; each batch doubles. Requests that start together share one packet
 * on a connection. With a delay of 50 ms, 1,000 roots took 7 s one by one.
 */
const FIRST_AHEAD = 16;
const MOST_AHEAD = 256;

/** A recorded root that is a Dir. */
export interface RootEntry extends ArchiveEntry {
  readonly dirent: DirDirent;
}

/** A root, and the result of the look-up in it. */
interface Looked<T> {
  readonly archived: RootEntry;
  node: Promise<T>;
}

/**
 * Looks up something in many roots ahead of their turn; equal neighbours share one look-up. A failure is thrown when its root's turn comes.
 */
export class RootsAhead<T> implements AsyncDisposable {
  readonly #roots: AsyncIterator<RootEntry, void, undefined>;
  readonly #lookUp: (root: DirDirent) => Promise<T>;
  readonly #ahead: Looked<T>[] = [];
  #most = FIRST_AHEAD;
  #isOver = false;

  constructor(roots: AsyncIterable<RootEntry, void, undefined>, lookUp: (root: DirDirent) => Promise<T>) {
    this.#roots = roots[Symbol.asyncIterator]();
    this.#lookUp = lookUp;
  }

  /** The next root; undefined at the end. */
  async next(): Promise<Looked<T> | undefined> {
    if (this.#ahead.length <= this.#most / 2) await this.#fill();
    return this.#ahead.shift();
  }

  /** Repeats the look-ups made ahead: call it when `lookUp` searches for something else from here on. */
  lookUpAnew(): void {
    for (const [i, looked] of this.#ahead.entries()) looked.node = this.#begin(looked.archived.dirent, this.#ahead[i - 1]);
  }

  async #fill(): Promise<void> {
    const some: RootEntry[] = [];
    while (!this.#isOver && this.#ahead.length + some.length < this.#most) {
      const next = await this.#roots.next();
      if (next.done === true) this.#isOver = true;
      else some.push(next.value);
    }
    for (const archived of some) this.#ahead.push({ archived, node: this.#begin(archived.dirent, this.#ahead.at(-1)) });
    this.#most = Math.min(2 * this.#most, MOST_AHEAD);
  }

  #begin(root: DirDirent, before: Looked<T> | undefined): Promise<T> {
    if (before !== undefined && sameDirent(root, before.archived.dirent)) return before.node;
    const node = this.#lookUp(root);
    // Avoids an unhandled rejection: the caller gets the error when the root's turn comes.
    node.catch(() => undefined);
    return node;
  }

  /** Waits for the look-ups in progress. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#roots.return?.();
    await Promise.allSettled(this.#ahead.map(async ({ node }) => await node));
  }
}
