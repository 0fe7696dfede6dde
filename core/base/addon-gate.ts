import { setTimeout as pause } from 'node:timers/promises';
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';

// Node aborts the whole process where a thread is ended while it loads a native addon: the addon cannot throw there. So a thread
// says when it loads one, and the code that ends the thread waits for that.

/** What the memory of a gate is called among the data that Node hands on to a new thread. */
const GATE = 'vtftp:addon-gate';

const IDLE = 0;
const LOADING = 1;
const CLOSED = 2;

/** Milliseconds that an addon may take to load; it takes 5 to 40. */
const MAX_WAIT_MS = 5000;

/** Gates of threads that run: a process that ends takes its threads with it. */
const open = new Set<AddonGate>();

/** Keeps a thread from being ended while it loads an addon. */
export class AddonGate {
  readonly #state = new Int32Array(new SharedArrayBuffer(4));

  /** Runs what starts the thread. */
  start<Thread>(make: () => Thread): Thread {
    setEnvironmentData(GATE, this.#state);
    if (open.size === 0) process.on('exit', closeAll);
    open.add(this);
    return make();
  }

  /** Resolves once the thread loads no addon; it loads none from then on. */
  async close(): Promise<void> {
    for (const endMs = performance.now() + MAX_WAIT_MS; this.#isLoading() && performance.now() < endMs; ) await pause(1);
    this.ended();
  }

  /** The same where the process ends. */
  closeNow(): void {
    if (this.#isLoading()) Atomics.wait(this.#state, 0, LOADING, MAX_WAIT_MS);
  }

  /** The thread is no more. */
  ended(): void {
    if (open.delete(this) && open.size === 0) process.off('exit', closeAll);
  }

  #isLoading(): boolean {
    return Atomics.compareExchange(this.#state, 0, IDLE, CLOSED) === LOADING;
  }
}

function closeAll(): void {
  for (const gate of open) gate.closeNow();
}

/**
 * Loads a native addon, in any thread.
 *
 * @throws {Error} where this thread is about to be ended; and what loading it throws
 */
export function loadAddon<Addon>(load: () => Addon): Addon {
  const state = isMainThread ? undefined : (getEnvironmentData(GATE) as unknown as Int32Array | undefined);
  if (state === undefined) return load();
  if (Atomics.compareExchange(state, 0, IDLE, LOADING) !== IDLE) throw new Error('the thread ends');
  try {
    return load();
  } finally {
    Atomics.store(state, 0, IDLE);
    Atomics.notify(state, 0);
  }
}
