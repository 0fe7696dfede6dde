import { idlest, WorkerThread } from '../../../core/base/worker-thread.ts';
import type { PackedSegments } from '../../../core/export/segment-rows.ts';
import type { ReadAnswer, ReadJob, ReadWorkerData } from './read-part.ts';
import { PART_SIZE } from './read-part.ts';

/** Parts in memory, of all files that are read through. */
export const SLOTS = 24;

/** Called once: whether the slot holds the part. */
export type PartDone = (ok: boolean) => void;

type PoolThread = WorkerThread<ReadJob, ReadAnswer>;

/**
 * Worker threads that read and verify parts of contents ahead of need. They start with the first part, and keep the
 * process alive only while they have something to do.
 */
export class ReadPool implements Disposable {
  readonly #hashName: string;
  readonly #size: number;
  readonly #slots = new SharedArrayBuffer(SLOTS * PART_SIZE);
  readonly #free: number[] = Array.from({ length: SLOTS }, (_, slot) => slot);
  readonly #threads: PoolThread[] = [];
  #isReady = false;
  #closed = false;

  /** @param size - threads */
  constructor(hashName: string, size: number) {
    this.#hashName = hashName;
    this.#size = size;
  }

  get hasRoom(): boolean {
    return this.#free.length > 0;
  }

  /** Whether a thread runs. The first call starts them, which takes longer than reading some MiB without them. */
  get isReady(): boolean {
    if (!this.#isReady) this.#startAll();
    return this.#isReady;
  }

  #startAll(): void {
    while (!this.#closed && this.#threads.length < this.#size) this.#threads.push(this.#start());
  }

  /** A free slot, or undefined. */
  take(): number | undefined {
    return this.#free.pop();
  }

  /** Gives a slot back. No job may be running for it. */
  give(slot: number): void {
    this.#free.push(slot);
  }

  /** The octets `from` to `to` of a slot. */
  view(slot: number, from: number, to: number): Uint8Array {
    return Buffer.from(this.#slots as unknown as ArrayBuffer, slot * PART_SIZE + from, to - from);
  }

  /** Lets a worker fill a slot. */
  fill(slot: number, segments: PackedSegments, done: PartDone): void {
    this.#startAll();
    const thread = idlest(this.#threads);
    if (thread === undefined) {
      done(false);
      return;
    }
    thread.ask({ slot, segments }, { answered: ({ failure }) => done(failure === undefined), lost: () => done(false) }, [
      segments.cells.buffer,
      segments.digests.buffer,
      segments.literals.buffer,
    ]);
  }

  #start(): PoolThread {
    const setup: ReadWorkerData = { hashName: this.#hashName, slots: this.#slots };
    const thread: PoolThread = new WorkerThread(new URL('./read-worker.js', import.meta.url), {
      name: 'mount',
      setup,
      mayEndIdle: true,
      onUp: () => {
        this.#isReady = true;
      },
      onLost: () => {
        const at = this.#threads.indexOf(thread);
        if (at >= 0) this.#threads.splice(at, 1);
      },
    });
    return thread;
  }

  /** Ends the threads once they have done what they were given. */
  [Symbol.dispose](): void {
    this.#closed = true;
    for (const thread of this.#threads.splice(0)) void thread.end();
  }
}
