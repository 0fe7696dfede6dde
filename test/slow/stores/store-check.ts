import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What must hold of a Store. */
export interface StoreCheck {
  readonly store: string;
  /** Dirrefs that were recited: each stands in the default archive. */
  readonly recited: readonly string[];
  /** Read and verify every Block too; default true. */
  readonly scrub?: boolean;
  /** Stores that may have a part of the Blocks, or the archive. */
  readonly others?: readonly string[];
  /** The key file, where the Store is sealed. */
  readonly key?: string | undefined;
  /** A Dirref of which every octet can be read. */
  readonly whole?: string | undefined;
}

/** Checks Stores in a process of its own, which outlives none of them that ends it by a signal. */
export class StoreChecker {
  #child: ChildProcess | undefined;

  /** @returns what is wrong, or undefined */
  async check(check: StoreCheck): Promise<string | undefined> {
    const child =
      this.#child ??
      fork(fileURLToPath(new URL('store-check-child.js', import.meta.url)), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#child = child;
    return await new Promise((resolve) => {
      const onExit = (status: number | null, signal: string | null): void => {
        this.#child = undefined;
        child.off('message', onMessage);
        resolve(`the check ended with ${signal ?? status}`);
      };
      const onMessage = (message: unknown): void => {
        child.off('exit', onExit);
        resolve(typeof message === 'string' ? message : undefined);
      };
      child.once('exit', onExit);
      child.once('message', onMessage);
      child.send(check);
    });
  }

  [Symbol.dispose](): void {
    this.#child?.removeAllListeners();
    this.#child?.kill();
  }
}
