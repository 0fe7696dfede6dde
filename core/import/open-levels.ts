import type { LocalDir } from './local-dir.ts';

/** One level of a walk. */
export interface Level {
  /** Held by the walk. */
  readonly dir: LocalDir;
  /** Why the directory cannot be reached any more. */
  lost: unknown;
}

/** The directories that a walk is in, the innermost last. Of a deep tree only the innermost levels are open. */
export class Levels<T extends Level> {
  readonly #levels: T[] = [];
  readonly #maxOpen: number;

  constructor(maxOpen: number) {
    this.#maxOpen = maxOpen;
  }

  get innermost(): T | undefined {
    return this.#levels.at(-1);
  }

  enter(level: T): void {
    this.#levels.push(level);
    this.#levels.at(-1 - this.#maxOpen)?.dir.release();
  }

  /** Leaves the innermost level, and opens the one again that was closed last. */
  leave(): void {
    const closed = this.#levels.at(-1 - this.#maxOpen);
    const child = this.#levels.at(-this.#maxOpen);
    if (closed !== undefined && child !== undefined) reopen(closed, child);
    const left = this.#levels.pop();
    if (left?.lost === undefined) left?.dir.release();
  }

  /** Closes what is open: the walk was given up. */
  abandon(): void {
    for (const { dir, lost } of this.#levels.splice(0).slice(-this.#maxOpen)) if (lost === undefined) dir.release();
  }
}

function reopen(closed: Level, child: Level): void {
  try {
    if (child.lost !== undefined) throw child.lost;
    closed.dir.reopenFrom(child.dir);
  } catch (error) {
    closed.lost = error;
  }
}
