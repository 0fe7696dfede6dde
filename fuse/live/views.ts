import type { Octets } from '../../core/base/octets.ts';
import type { Notices } from '../notices.ts';

/** Milliseconds that an answer waits at most until the other mounts know of the change that it tells of. */
const MAX_TELLING_MS = 25;

/** The mounts of one live tree that are to hear of each other's changes. */
export class Views implements Notices {
  readonly #all = new Set<Notices>();

  add(view: Notices): void {
    this.#all.add(view);
  }

  delete(view: Notices): void {
    this.#all.delete(view);
  }

  get size(): number {
    return this.#all.size;
  }

  node(ino: number, content: boolean): void {
    for (const view of this.#all) view.node(ino, content);
  }

  name(parent: number, name: Octets): void {
    for (const view of this.#all) view.name(parent, name);
  }

  async idle(): Promise<void> {
    await Promise.all([...this.#all].map(async (view) => await view.idle()));
  }

  /** Tells all but one. */
  tellOthers(except: Notices, tell: (view: Notices) => void): void {
    for (const view of this.#all) if (view !== except) tell(view);
  }

  /**
   * Resolves when all but one have heard, or a moment later: a kernel may have to wait for an answer of this process before it can hear,
   * and that answer for another kernel.
   */
  async othersIdle(except: Notices): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const heard = Promise.all([...this.#all].filter((view) => view !== except).map(async (view) => await view.idle()));
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, MAX_TELLING_MS);
    });
    await Promise.race([heard, limit]);
    clearTimeout(timer);
  }
}
