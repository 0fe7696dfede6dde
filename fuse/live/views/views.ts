import type { Octets } from '../../../core/base/octets.ts';
import type { Notices } from '../../notices.ts';
import { OpenWriters } from './open-writers.ts';

/**
 * Milliseconds that an answer waits, at most, until the other mounts know of its change. A kernel may be unable to take a notice
 * before it gets an answer that this process itself is delaying. Of two answers that wait for each other, the younger is sent.
 */
const MAX_TELLING_MS = {
  /** No other answer waits: any delay of the notices ends by itself. */
  eldest: 5000,
  /** An older answer waits, and may block the notices. */
  younger: 250,
  /** An older answer waits in a mount that has not been notified yet. */
  crossed: 25,
} as const;

/** An answer that is delayed until other mounts are notified. */
interface Held {
  /** The mount whose kernel waits for the answer. */
  readonly view: Notices;
}

/** The mounts of one live tree, which are notified of each other's changes. */
export class Views implements Notices {
  /** Files that are open for writing. */
  readonly writers = new OpenWriters();
  /** Whether each may write. */
  readonly #all = new Map<Notices, boolean>();
  /** The oldest first. */
  readonly #held = new Set<Held>();
  #lastNumber = 0;

  /** A number that no other mount of the tree has. */
  nextNumber(): number {
    this.#lastNumber++;
    return this.#lastNumber;
  }

  /** @param writes - whether files can be written through it */
  add(view: Notices, writes: boolean): void {
    this.#all.set(view, writes);
  }

  delete(view: Notices): void {
    this.#all.delete(view);
  }

  get size(): number {
    return this.#all.size;
  }

  /** Whether files can be written through any mount. */
  get write(): boolean {
    return [...this.#all.values()].includes(true);
  }

  /** Whether files can be written through another mount than this one. */
  othersWrite(view: Notices): boolean {
    for (const [other, writes] of this.#all) if (writes && other !== view) return true;
    return false;
  }

  node(ino: number, content: boolean): void {
    for (const view of this.#all.keys()) view.node(ino, content);
  }

  grown(ino: number, size: number, last: number): void {
    for (const view of this.#all.keys()) view.grown(ino, size, last);
  }

  name(parent: number, name: Octets): void {
    for (const view of this.#all.keys()) view.name(parent, name);
  }

  async idle(): Promise<void> {
    await Promise.all([...this.#all.keys()].map(async (view) => await view.idle()));
  }

  /** Notifies all mounts but one. */
  tellOthers(except: Notices, tell: (view: Notices) => void): void {
    for (const view of this.#all.keys()) if (view !== except) tell(view);
  }

  /** Resolves when all mounts but one are notified, or after the time that prevents a deadlock. */
  async othersIdle(except: Notices): Promise<void> {
    const held: Held = { view: except };
    this.#held.add(held);
    const untold = new Set<Notices>();
    let timer: NodeJS.Timeout | undefined;
    try {
      const heard = Promise.all(
        [...this.#all.keys()].map(async (view) => {
          if (view === except) return;
          untold.add(view);
          await view.idle();
          untold.delete(view);
        }),
      );
      const sinceMs = performance.now();
      const gaveUp = new Promise<void>((resolve) => {
        const look = (): void => {
          if (performance.now() - sinceMs >= this.#limit(held, untold)) resolve();
          else timer = setTimeout(look, MAX_TELLING_MS.crossed);
        };
        timer = setTimeout(look, MAX_TELLING_MS.crossed);
      });
      await Promise.race([heard, gaveUp]);
    } finally {
      clearTimeout(timer);
      this.#held.delete(held);
    }
  }

  #limit(held: Held, untold: ReadonlySet<Notices>): number {
    let isEldest = true;
    for (const other of this.#held) {
      if (other === held) break;
      if (untold.has(other.view)) return MAX_TELLING_MS.crossed;
      isEldest = false;
    }
    return isEldest ? MAX_TELLING_MS.eldest : MAX_TELLING_MS.younger;
  }
}
