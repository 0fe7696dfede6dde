import type { OpOptions } from '../base/op-options.ts';
import { ROOT_PATH } from './path.ts';
import type { TreeChange } from './tree.ts';

/** Changes that wait for one slow watcher; beyond that it is told that anything may have changed. */
const MAX_WAITING = 4096;

interface Watcher {
  /** Whose own changes it is not told of. */
  readonly except: object | undefined;
  waiting: TreeChange[];
  wake: (() => void) | undefined;
  /** It has asked for more than there was. */
  isDone: boolean;
  /** Called when it is done. */
  readonly onDone: (() => void)[];
}

/** Reports changes of a tree to watchers. Without watchers it costs nothing. */
export class ChangeFeed {
  readonly #watchers = new Set<Watcher>();
  #closed = false;
  #revision = 0;

  /** How many changes there were. */
  get revision(): number {
    return this.#revision;
  }

  /** Whether anybody is told. */
  get isWatched(): boolean {
    return this.#watchers.size > 0;
  }

  /** @param by - who made the change; that watcher gets no report */
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

  /** Changes from the call on; ends when the feed is closed or the signal fires. @param except - a session that wants only the changes of others */
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
