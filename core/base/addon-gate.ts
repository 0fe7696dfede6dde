import { setTimeout as pause } from 'node:timers/promises';
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';

// If a thread is terminated while it loads a native addon, Node aborts the whole process. So a thread marks in shared memory that it
// loads one, and the code that terminates the thread waits until it has loaded.

/** The key of a gate's memory in the environment data that Node passes to a new thread. */
const GATE = 'vtftp:addon-gate';

const IDLE = 0;
const LOADING = 1;
const CLOSED = 2;

/** Maximum milliseconds to wait for an addon to load. Loading takes 5 to 40. */
const MAX_WAIT_MS = 5000;

/** The gates of running threads. The end of the process terminates these threads, too. */
const open = new Set<AddonGate>();

/** Keeps a thread from being terminated while it loads an addon. */
export class AddonGate {
  readonly #state = new Int32Array(new SharedArrayBuffer(4));

  /** Calls `make`, which starts the thread. */
  start<Thread>(make: () => Thread): Thread {
    setEnvironmentData(GATE, this.#state);
    if (open.size === 0) process.on('exit', closeAll);
    open.add(this);
    return make();
  }

  /** Resolves once the thread is not loading an addon, or after {@link MAX_WAIT_MS}. From then on the thread can load none. */
  async close(): Promise<void> {
    for (const endMs = performance.now() + MAX_WAIT_MS; this.#isLoading() && performance.now() < endMs; ) await pause(1);
    this.ended();
  }

  /** As `close`, but blocks: for the end of the process. */
  closeNow(): void {
    if (this.#isLoading()) Atomics.wait(this.#state, 0, LOADING, MAX_WAIT_MS);
  }

  /** Called when the thread has ended. */
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
 * Loads a native addon, in the main thread or any other.
 *
 * @throws {Error} if this thread is about to be terminated, or if `load` throws
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
