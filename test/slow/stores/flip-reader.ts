import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { StoreCheck } from './store-check.ts';

/** Reads all that a Store's roots hold, in a process of its own. */
export class FlipReader {
  #child: ChildProcess | undefined;

  /** @returns `whole` and a digest of everything, `error` and why, or how the process ended */
  async read(what: Pick<StoreCheck, 'store' | 'recited'>): Promise<string> {
    const child =
      this.#child ??
      fork(fileURLToPath(new URL('flip-reader-child.js', import.meta.url)), { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    this.#child = child;
    return await new Promise((resolve) => {
      const onExit = (status: number | null, signal: string | null): void => {
        this.#child = undefined;
        child.off('message', onMessage);
        resolve(`the reader ended with ${signal ?? status}`);
      };
      const onMessage = (message: unknown): void => {
        child.off('exit', onExit);
        resolve(String(message));
      };
      child.once('exit', onExit);
      child.once('message', onMessage);
      child.send(what);
    });
  }

  [Symbol.dispose](): void {
    this.#child?.removeAllListeners();
    this.#child?.kill();
  }
}
