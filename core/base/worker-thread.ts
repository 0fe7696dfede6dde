import { type Transferable, Worker } from 'node:worker_threads';
import { AddonGate } from './addon-gate.ts';
import { VtError } from './errors.ts';

/** How a thread is started, and what it is started with. */
export interface WorkerThreadOptions {
  /** Whose it is, for messages. */
  readonly name: string;
  /** What the thread finds as its `workerData`. */
  readonly setup: unknown;
  /** It opens or closes descriptors that Node does not know of, and would warn about. Default false. */
  readonly sharesDescriptors?: boolean;
  /** The process may end while the thread has nothing to do. Default false. */
  readonly mayEndIdle?: boolean;
  /** The thread runs. */
  readonly onUp?: () => void;
  /** The thread has ended, and all its callers have got an error. */
  readonly onLost?: (error: Error) => void;
}

/** Room for new objects, in MiB: it would grow to 48 and stay so, though nothing of one answer is needed for the next. */
const MAX_YOUNG_MIB = 6;

/** The callbacks of a request to a thread: one of the two is called, once. */
export interface Asker<Reply> {
  readonly answered: (reply: Reply) => void;
  /** The thread ended before it answered. */
  readonly lost: (error: Error) => void;
}

/**
 * A worker thread that answers requests one after the other, in their order. The code of the thread answers each message with one, and
 * ends at the message `undefined`.
 */
export class WorkerThread<Request, Reply> {
  readonly #thread: Worker;
  readonly #gate = new AddonGate();
  readonly #mayEndIdle: boolean;
  /** Requests without an answer yet. */
  readonly #askers: Asker<Reply>[] = [];
  #failure: Error | undefined;

  /** @param url - of the code: the module beside the caller, by `import.meta.url` */
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

  /** Requests that it has not answered. */
  get load(): number {
    return this.#askers.length;
  }

  /** Why it answers no more. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Sends a request. @param transfer - the objects in it whose ownership moves to the thread */
  ask(request: Request, asker: Asker<Reply>, transfer: readonly Transferable[] = []): void {
    if (this.#failure !== undefined) {
      asker.lost(this.#failure);
      return;
    }
    this.#askers.push(asker);
    if (this.#mayEndIdle) this.#thread.ref();
    this.#thread.postMessage(request, transfer);
  }

  /** Rejects all open requests: the thread is lost. */
  abandon(error: Error): void {
    this.#failure ??= error;
    for (const { lost } of this.#askers.splice(0)) lost(this.#failure);
  }

  /** Ends the thread when it has answered all; resolves when it has. */
  async end(): Promise<void> {
    if (this.#failure !== undefined) return;
    const ended = new Promise((resolve) => this.#thread.once('exit', resolve));
    this.#thread.postMessage(undefined);
    await ended;
  }

  /** Ends the thread at once. */
  async terminate(error: Error): Promise<void> {
    this.abandon(error);
    await this.#gate.close();
    await this.#thread.terminate();
  }
}

/** The one of some threads that has least to do; undefined of none. */
export function idlest<Thread extends { readonly load: number }>(threads: readonly Thread[]): Thread | undefined {
  let found: Thread | undefined;
  for (const thread of threads) if (found === undefined || thread.load < found.load) found = thread;
  return found;
}
