import type { LocalDir } from './local-dir.ts';

/** One level of a walk. */
export interface Level {
  /** Held by the walk. */
  readonly dir: LocalDir;
  /** The error, if the directory could not be opened again. */
  lost: unknown;
}

/** The directories on a walk's path, innermost last. Of a deep path only the innermost are open. */
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

  /** Leaves the innermost level, and opens again the one that was closed last. */
  leave(): void {
    const closed = this.#levels.at(-1 - this.#maxOpen);
    const child = this.#levels.at(-this.#maxOpen);
    if (closed !== undefined && child !== undefined) reopen(closed, child);
    const left = this.#levels.pop();
    if (left?.lost === undefined) left?.dir.release();
  }

  /** Closes the open directories of a walk that was given up. */
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
