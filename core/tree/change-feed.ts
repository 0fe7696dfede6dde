import type { OpOptions } from '../base/op-options.ts';
import { ROOT_PATH } from './path.ts';
import type { TreeChange } from './tree.ts';

/** Maximum number of queued changes for a slow watcher; beyond that it is told that anything may have changed. */
const MAX_WAITING = 4096;

interface Watcher {
  /** The session whose own changes are not reported to it. */
  readonly except: object | undefined;
  waiting: TreeChange[];
  wake: (() => void) | undefined;
  /** The watcher has handled all changes so far. */
  isDone: boolean;
  /** Called when `isDone` becomes true. */
  readonly onDone: (() => void)[];
}

/** Reports changes of a tree to watchers. It costs nothing without watchers. */
export class ChangeFeed {
  readonly #watchers = new Set<Watcher>();
  #closed = false;
  #revision = 0;

  /** The number of changes so far. */
  get revision(): number {
    return this.#revision;
  }

  /** Whether there are watchers. */
  get isWatched(): boolean {
    return this.#watchers.size > 0;
  }

  /** Reports a change. @param by - the session that made it, whose watchers get no report */
  emit(change: TreeChange, by?: object): void {
    this.#revision++;
    for (const watcher of this.#watchers) {
      if (by !== undefined && watcher.except === by) continue;
      if (watcher.waiting.length >= MAX_WAITING) watcher.waiting = [{ kind: 'names', path: ROOT_PATH }];
      else watcher.waiting.push(change);
      watcher.isDone = false;
      watcher.wake?.();
    }
  }

  /** Yields changes from now on, until the feed is closed or the signal fires. @param except - a session whose own changes are left out */
  watch(options: OpOptions = {}, except?: object): AsyncIterable<TreeChange> {
    const watcher: Watcher = { except, waiting: [], wake: undefined, isDone: true, onDone: [] };
    this.#watchers.add(watcher);
    return this.#follow(watcher, options.signal);
  }

  /** Resolves once every watcher has handled the changes so far. */
  async told(): Promise<void> {
    const busy = [...this.#watchers].filter(({ except, isDone }) => except !== undefined && !isDone);
    await Promise.all(
      busy.map(async ({ onDone }) => {
        await new Promise<void>((resolve) => {
          onDone.push(resolve);
        });
      }),
    );
  }

  /** Ends all watching. */
  close(): void {
    this.#closed = true;
    for (const watcher of this.#watchers) watcher.wake?.();
  }

  async *#follow(watcher: Watcher, signal: AbortSignal | undefined): AsyncGenerator<TreeChange> {
    const onAbort = (): void => watcher.wake?.();
    signal?.addEventListener('abort', onAbort);
    try {
      while (signal?.aborted !== true) {
        const change = watcher.waiting.shift();
        if (change !== undefined) yield change;
        else if (this.#closed) return;
        else {
          sayDone(watcher);
          await new Promise<void>((wake) => {
            watcher.wake = wake;
          });
          watcher.wake = undefined;
        }
      }
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#watchers.delete(watcher);
      sayDone(watcher);
    }
  }
}

function sayDone(watcher: Watcher): void {
  watcher.isDone = true;
  for (const done of watcher.onDone.splice(0)) done();
}
