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

/** Octets of an image that goes to a worker, and of what comes back, at most. */
const SLOT_SIZE = 2 * 1024 * 1024;
/** Images that one worker has at a time: one to work at, and some so that it need not wait. */
const SLOTS_PER_WORKER = 3;
/** Octets that are worked at here before a worker is started: it takes 30 ms to start. */
const UNTHREADED_SIZE = 4 * 1024 * 1024;
/** Octets of an image below which it is not worth a message. */
const MIN_SENT_SIZE = 64 * 1024;
const PAGE_SIZE = 65536; // of WebAssembly

/** What a worker is started with. */
export interface RehashSetup {
  readonly hashNames: { readonly from: HashName; readonly to: HashName };
  readonly memory: SharedMemory;
}

/** Asks a worker for an image in the shared memory. */
export interface RehashRequest {
  readonly at: number;
  readonly size: number;
  /** The file to read the image from, and where; without it the image is in the memory already. */
  readonly file?: { readonly path: string; readonly offset: number };
  /** Where the new records go, and how much room there is: none where digests alone are asked for. */
  readonly to: number;
  readonly room: number;
}

/** The new records, and the digests that they had; undefined where something is wrong with the image. */
export type RehashReply = (Omit<RecordBatch, 'image'> & { readonly before: Uint8Array; readonly size: number }) | undefined;

interface Thread {
  readonly thread: WorkerThread<RehashRequest, RehashReply>;
  readonly memory: SharedMemory;
  /** Where in the memory there is room for an image, and behind it for another. */
  readonly free: number[];
}

/** Room for an image in a thread's memory, which somebody has. */
interface Slot {
  readonly thread: Thread;
  readonly at: number;
}

const SLOTS_AT = Math.ceil(HASH_SCRATCH_SIZE / PAGE_SIZE) * PAGE_SIZE;

/** Verifies records and writes them under another hash function, in worker threads where there is much of them. */
export class RecordRehasher implements AsyncDisposable {
  readonly #from: HashFunction;
  readonly #to: HashFunction;
  /** Workers at most. */
  readonly #most = threadsAtMost(Math.min(4, availableParallelism()));
  readonly #digestsOnly: boolean;
  readonly #threads: Thread[] = [];
  /** Callers that wait for room. */
  readonly #queue: (() => void)[] = [];
  #doneSize = 0;

  /** @param digestsOnly - no records are written: their image is empty */
  constructor(from: HashFunction, to: HashFunction, { digestsOnly = false }: { readonly digestsOnly?: boolean } = {}) {
    this.#from = from;
    this.#to = to;
    this.#digestsOnly = digestsOnly;
  }

  /**
   * Gives the records of an image under the other hash function to `use`, which may look at them until it resolves.
   *
   * @param count - records in the image
   * @param where - where they come from, for messages
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
    // Here as well where a worker found something wrong: to say what.
    const target = this.#digestsOnly ? undefined : Buffer.allocUnsafeSlow(room);
    return await use(rehashRecords(image, { from: this.#from, to: this.#to }, target, where));
  }

  /**
   * Gives records that lie in a file, which a worker reads, to `use` as {@link RecordRehasher.rehash} does.
   *
   * @param records - `count`: how many there are
   * @returns `unread` where no worker is to be had, or the work is too little for one; `wrong` where they are no such records
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

  /** Room in a thread, taken; undefined where there is none to be had. */
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
