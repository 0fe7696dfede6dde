import type { Notices } from '../../notices.ts';

/** The files that the mounts of one live tree have open for writing. */
export class OpenWriters {
  /** By ino, then by mount. */
  readonly #direct = new Map<number, Map<Notices, number>>();
  /** The same, for files whose writes the kernel collects in its page cache. */
  readonly #collected = new Map<number, Map<Notices, number>>();

  /** A mount opens a file for writing. @returns the function that ends that */
  open(view: Notices, ino: number, isCollected: boolean): () => void {
    const counts = isCollected ? this.#collected : this.#direct;
    count(counts, ino, view, 1);
    return () => count(counts, ino, view, -1);
  }

  /** Whether any mount has it open for writing. */
  has(ino: number): boolean {
    return this.#direct.has(ino) || this.#collected.has(ino);
  }

  /** Whether a mount has it open for writing. */
  isOpenBy(view: Notices, ino: number): boolean {
    return this.#direct.get(ino)?.has(view) === true || this.isCollectedBy(view, ino);
  }

  /** Whether the kernel of another mount collects writes to it. */
  isCollectedElsewhere(view: Notices, ino: number): boolean {
    for (const other of this.#collected.get(ino)?.keys() ?? []) if (other !== view) return true;
    return false;
  }

  /** Whether the kernel of this mount collects writes to it. */
  isCollectedBy(view: Notices, ino: number): boolean {
    return this.#collected.get(ino)?.has(view) === true;
  }
}

function count(counts: Map<number, Map<Notices, number>>, ino: number, view: Notices, change: number): void {
  const views = counts.get(ino) ?? new Map<Notices, number>();
  const now = (views.get(view) ?? 0) + change;
  if (now > 0) views.set(view, now);
  else views.delete(view);
  if (views.size > 0) counts.set(ino, views);
  else counts.delete(ino);
}
