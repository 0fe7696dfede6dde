import { availableParallelism } from 'node:os';
import { copyOctets } from '../base/copy-octets.ts';
import { VtError } from '../base/errors.ts';
import { type SharedMemory, sharedMemory } from '../base/system/shared-memory.ts';
import { threadsAtMost } from '../base/system/thread-room.ts';
import { WorkerThread } from '../base/worker-thread.ts';
import type { HashFunction, HashName } from '../block/hash.ts';
import { HASH_SCRATCH_SIZE } from '../block/hash.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import type { Rehashed } from './rehash-records.ts';
import { rehashedSize, rehashRecords } from './rehash-records.ts';

/** Maximum octets of an image that is sent to a worker, and of its result. */
const SLOT_SIZE = 2 * 1024 * 1024;
/** Images per worker at a time: one in progress, and spare ones so that it never waits. */
const SLOTS_PER_WORKER = 3;
/** Octets that are processed in this thread before a worker is started: starting one takes 30 ms. */
const UNTHREADED_SIZE = 4 * 1024 * 1024;
/** Images with fewer octets are processed in this thread. */
const MIN_SENT_SIZE = 64 * 1024;
const PAGE_SIZE = 65536; // of WebAssembly

/** The data that a worker is started with. */
export interface RehashSetup {
  readonly hashNames: { readonly from: HashName; readonly to: HashName };
  readonly memory: SharedMemory;
}

/** A request to rehash an image in shared memory. */
export interface RehashRequest {
  readonly at: number;
  readonly size: number;
  /** The file and offset to read the image from; without it the image is in shared memory already. */
  readonly file?: { readonly path: string; readonly offset: number };
  /** Offset and size of the space for the new records; size 0 to make only digests. */
  readonly to: number;
  readonly room: number;
}

/** The new records and their former digests; undefined if a check failed. */
export type RehashReply = (Omit<RecordBatch, 'image'> & { readonly before: Uint8Array; readonly size: number }) | undefined;

interface Thread {
  readonly thread: WorkerThread<RehashRequest, RehashReply>;
  readonly memory: SharedMemory;
  /** Offsets of free slots, each with space for an image and its result. */
  readonly free: number[];
}

/** A used slot in a thread's memory. */
interface Slot {
  readonly thread: Thread;
  readonly at: number;
}

const SLOTS_AT = Math.ceil(HASH_SCRATCH_SIZE / PAGE_SIZE) * PAGE_SIZE;

/** Verifies records and rewrites them with another hash function, in worker threads if there are many. */
export class RecordRehasher implements AsyncDisposable {
  readonly #from: HashFunction;
  readonly #to: HashFunction;
  /** Maximum number of workers. */
  readonly #most = threadsAtMost(Math.min(4, availableParallelism()));
  readonly #digestsOnly: boolean;
  readonly #threads: Thread[] = [];
  /** Callers that wait for a free slot. */
  readonly #queue: (() => void)[] = [];
  #doneSize = 0;

  /** @param digestsOnly - makes only digests, and an empty image */
  constructor(from: HashFunction, to: HashFunction, { digestsOnly = false }: { readonly digestsOnly?: boolean } = {}) {
    this.#from = from;
    this.#to = to;
    this.#digestsOnly = digestsOnly;
  }

  /**
   * Rehashes the records of an image and calls `use` with the result, which is valid until the returned promise resolves.
   *
   * @param count - number of records in the image
   * @param where - their source, for messages
   * @throws as {@link rehashRecords}
   */
  async rehash<T>(image: Buffer, count: number, where: string, use: (rehashed: Rehashed) => Promise<T>): Promise<T> {
    this.#doneSize += image.length;
    const room = this.#digestsOnly ? 0 : rehashedSize(image.length, count, this.#from, this.#to);
    const isLarge = image.length > SLOT_SIZE || room > SLOT_SIZE;
    if (!isLarge && image.length >= MIN_SENT_SIZE && this.#doneSize > UNTHREADED_SIZE) {
      const slot = await this.#free();
      if (slot !== undefined) {
        try {
          const rehashed = await this.#send(slot, image);
          if (rehashed !== undefined) return await use(rehashed);
        } finally {
          this.#release(slot);
        }
      }
    }
    // Also after a worker's check has failed: this throws the precise error.
    const target = this.#digestsOnly ? undefined : Buffer.allocUnsafeSlow(room);
    return await use(rehashRecords(image, { from: this.#from, to: this.#to }, target, where));
  }

  /**
   * As {@link RecordRehasher.rehash}, for records in a file, which a worker reads.
   *
   * @param records - `count`: number of records
   * @returns `unread` if no worker is available, or there is too little work for one; `wrong` if the records do not match
   */
  async rehashIn(
    { path, offset, size, count }: { readonly path: string; readonly offset: number; readonly size: number; readonly count: number },
    use: (rehashed: Rehashed) => Promise<void>,
  ): Promise<'used' | 'unread' | 'wrong'> {
    const room = this.#digestsOnly ? 0 : rehashedSize(size, count, this.#from, this.#to);
    if (size > SLOT_SIZE || room > SLOT_SIZE || size < MIN_SENT_SIZE || this.#doneSize <= UNTHREADED_SIZE) return 'unread';
    this.#doneSize += size;
    const slot = await this.#free();
    if (slot === undefined) return 'unread';
    const { thread, at } = slot;
    try {
      const rehashed = await this.#ask(thread, { at, size, file: { path, offset }, to: at + SLOT_SIZE, room });
      if (rehashed === undefined) return 'wrong';
      await use(rehashed);
      return 'used';
    } finally {
      this.#release(slot);
    }
  }

  /** Takes a free slot of a thread; undefined if no worker can be used. */
  async #free(): Promise<Slot | undefined> {
    for (;;) {
      const alive = this.#threads.filter(({ thread }) => thread.failure === undefined);
      const found = alive.find(({ free }) => free.length > 0) ?? (this.#threads.length < this.#most ? this.#start() : undefined);
      const at = found?.free.pop();
      if (found !== undefined && at !== undefined) return { thread: found, at };
      if (alive.length === 0) return undefined;
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    }
  }

  #release({ thread, at }: Slot): void {
    thread.free.push(at);
    this.#queue.shift()?.();
  }

  #start(): Thread {
    const memory = sharedMemory(SLOTS_AT + 2 * SLOTS_PER_WORKER * SLOT_SIZE);
    const setup: RehashSetup = { hashNames: { from: this.#from.name, to: this.#to.name }, memory };
    const thread: Thread['thread'] = new WorkerThread(new URL('./rehash-worker.js', import.meta.url), {
      name: 'transition',
      setup,
      onLost: () => {
        for (const wake of this.#queue.splice(0)) wake();
      },
    });
    const free = Array.from({ length: SLOTS_PER_WORKER }, (_, slot) => SLOTS_AT + 2 * slot * SLOT_SIZE);
    const started = { thread, memory, free };
    this.#threads.push(started);
    return started;
  }

  async #send({ thread, at }: Slot, image: Buffer): Promise<Rehashed | undefined> {
    copyOctets(new Uint8Array(thread.memory.buffer), at, image);
    return await this.#ask(thread, { at, size: image.length, to: at + SLOT_SIZE, room: this.#digestsOnly ? 0 : SLOT_SIZE });
  }

  async #ask({ thread, memory }: Thread, request: RehashRequest): Promise<Rehashed | undefined> {
    const reply = await new Promise<RehashReply>((resolve) => {
      thread.ask(request, { answered: resolve, lost: () => resolve(undefined) });
    });
    if (reply === undefined) return undefined;
    const { before, size, ...columns } = reply;
    return { before, batch: { ...columns, image: new Uint8Array(memory.buffer as unknown as ArrayBuffer, request.to, size) } };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#threads.map(async ({ thread }) => await thread.terminate(new VtError('ECLOSED', 'transition: already closed'))),
    );
  }
}
