import { type Transferable, Worker } from 'node:worker_threads';
import { AddonGate } from './addon-gate.ts';
import { VtError } from './errors.ts';

/** How a thread is started. */
export interface WorkerThreadOptions {
  /** Its owner, for messages. */
  readonly name: string;
  /** The thread's `workerData`. */
  readonly setup: unknown;
  /** The thread opens or closes descriptors that Node does not track, so Node must not warn about them. Default false. */
  readonly sharesDescriptors?: boolean;
  /** The process may end while the thread is idle. Default false. */
  readonly mayEndIdle?: boolean;
  /** Called when the thread runs. */
  readonly onUp?: () => void;
  /** Called when the thread has ended by itself, after all open requests have got the error. */
  readonly onLost?: (error: Error) => void;
}

/** Heap for new objects, in MiB. By default it grows to 48 and stays there, though a request needs no objects of the one before it. */
const MAX_YOUNG_MIB = 6;

/** The callbacks of a request to a thread: one of the two is called, once. */
export interface Asker<Reply> {
  readonly answered: (reply: Reply) => void;
  /** The thread ended before it answered. */
  readonly lost: (error: Error) => void;
}

/**
 * A worker thread that answers requests one after the other, in order. The code of the thread replies to each message with one message,
 * and ends when it receives `undefined`.
 */
export class WorkerThread<Request, Reply> {
  readonly #thread: Worker;
  readonly #gate = new AddonGate();
  readonly #mayEndIdle: boolean;
  /** Requests without an answer yet. */
  readonly #askers: Asker<Reply>[] = [];
  #failure: Error | undefined;

  /** @param url - the thread's module, relative to the caller's `import.meta.url` */
  constructor(url: URL, options: WorkerThreadOptions) {
    this.#thread = this.#gate.start(
      () =>
        new Worker(url, {
          workerData: options.setup,
          trackUnmanagedFds: options.sharesDescriptors !== true,
          resourceLimits: { maxYoungGenerationSizeMb: MAX_YOUNG_MIB },
        }),
    );
    this.#thread.once('exit', () => this.#gate.ended());
    this.#mayEndIdle = options.mayEndIdle === true;
    if (options.onUp !== undefined) this.#thread.once('online', options.onUp);
    this.#thread.on('message', (reply: Reply) => {
      const asker = this.#askers.shift();
      if (this.#mayEndIdle && this.#askers.length === 0) this.#thread.unref();
      asker?.answered(reply);
    });
    const lost = (error: Error): void => {
      if (this.#failure !== undefined) return;
      this.abandon(error);
      options.onLost?.(error);
    };
    this.#thread.on('error', lost);
    this.#thread.on('exit', (status) =>
      lost(new VtError('EFAILED', `${options.name}: a worker thread ended early, with status ${status}`)),
    );
    if (this.#mayEndIdle) this.#thread.unref();
  }

  /** The number of unanswered requests. */
  get load(): number {
    return this.#askers.length;
  }

  /** Why the thread no longer answers; undefined while it does. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Sends a request. @param transfer - objects of the request whose ownership moves to the thread */
  ask(request: Request, asker: Asker<Reply>, transfer: readonly Transferable[] = []): void {
    if (this.#failure !== undefined) {
      asker.lost(this.#failure);
      return;
    }
    this.#askers.push(asker);
    if (this.#mayEndIdle) this.#thread.ref();
    this.#thread.postMessage(request, transfer);
  }

  /** Calls `lost` for all open requests, and for any later one. */
  abandon(error: Error): void {
    this.#failure ??= error;
    for (const { lost } of this.#askers.splice(0)) lost(this.#failure);
  }

  /** Ends the thread after it has answered all requests; resolves when it has ended. */
  async end(): Promise<void> {
    if (this.#failure !== undefined) return;
    const ended = new Promise((resolve) => this.#thread.once('exit', resolve));
    this.#thread.postMessage(undefined);
    await ended;
  }

  /** Ends the thread at once. Open requests get `error`. */
  async terminate(error: Error): Promise<void> {
    this.abandon(error);
    await this.#gate.close();
    await this.#thread.terminate();
  }
}

/** The thread with the fewest open requests; undefined if there are no threads. */
export function idlest<Thread extends { readonly load: number }>(threads: readonly Thread[]): Thread | undefined {
  let found: Thread | undefined;
  for (const thread of threads) if (found === undefined || thread.load < found.load) found = thread;
  return found;
}
