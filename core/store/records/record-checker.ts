import { availableParallelism } from 'node:os';
import { copyOctets } from '../../base/copy-octets.ts';
import { VtError } from '../../base/errors.ts';
import { type SharedMemory, sharedMemory } from '../../base/system/shared-memory.ts';
import { threadsAtMost } from '../../base/system/thread-room.ts';
import { WorkerThread } from '../../base/worker-thread.ts';
import type { HashFunction, HashName } from '../../block/hash.ts';
import { HASH_SCRATCH_SIZE, hashByName } from '../../block/hash.ts';
import { checkRecords, readRecords } from './check-records.ts';
import type { RecordBatch } from './record-batch.ts';

/** Maximum octets of an image sent to a worker. */
const SLOT_SIZE = 2 * 1024 * 1024;
/** Images per worker at a time: one in progress, and spare ones so that it never waits. */
const SLOTS_PER_WORKER = 3;
/** Octets that are checked in this thread before a worker is started: starting one takes 30 ms. */
const UNTHREADED_SIZE = 8 * 1024 * 1024;
/** Images with fewer octets are checked in this thread. */
const MIN_SENT_SIZE = 128 * 1024;
/** Images with at least this many decompressed octets are checked one at a time. */
const LARGE_SIZE = 4 * 1024 * 1024;
const PAGE_SIZE = 65536; // of WebAssembly

/** The data that a worker is started with. */
export interface CheckSetup {
  readonly hashName: HashName;
  readonly memory: SharedMemory;
}

/** A request to check an image in shared memory. */
export interface CheckRequest {
  readonly at: number;
  readonly size: number;
  /** Maximum number of records. */
  readonly most: number;
}

/** The columns of the image; undefined if a check failed. */
export type CheckReply = Omit<RecordBatch, 'image' | 'isOwned'> | undefined;

interface CheckWorker {
  readonly thread: WorkerThread<CheckRequest, CheckReply>;
  readonly memory: SharedMemory;
  /** Offsets of free slots in its memory. */
  free: number[];
}

/** Space for an image in a worker's memory. */
interface Slot {
  readonly of: CheckWorker;
  readonly at: number;
}

/** Offset of the first slot in a worker's memory. */
const SLOTS_AT = Math.ceil(HASH_SCRATCH_SIZE / PAGE_SIZE) * PAGE_SIZE;

/**
 * Verifies records from untrusted sources, in worker threads if there are many, so that the caller can receive more meanwhile.
 * The threads keep the process alive until the checker is disposed of.
 */
export class RecordChecker implements AsyncDisposable {
  readonly #hash: HashFunction;
  readonly #threads: number;
  readonly #workers: CheckWorker[] = [];
  /** Callers that wait for a free slot. */
  readonly #queue: ((slot: Slot | undefined) => void)[] = [];
  #checkedSize = 0;
  /** Large images are checked one after the other, since each needs memory for its decompressed Blocks. */
  #large: Promise<void> = Promise.resolve();
  #isClosed = false;

  /** @param threads - maximum number of workers; default: the number of processors, at most 4 */
  constructor(hash: HashFunction, threads: number = threadsAtMost(Math.min(4, availableParallelism()))) {
    this.#hash = hash;
    this.#threads = threads;
  }

  /**
   * Reads the columns of an image and verifies its Blocks. The image must not change during the check.
   *
   * @param most - maximum number of records
   * @param where - their source, for messages
   * @param unpackedSize - decompressed octets of the Blocks, if known to exceed the image's
   * @throws {CorruptBlockError} for the first Block that does not match its digest, {ParseError} if the image is malformed
   */
  async check(image: Buffer, most: number, where: string, unpackedSize: number = image.length): Promise<RecordBatch> {
    this.#checkedSize += unpackedSize;
    if (unpackedSize <= LARGE_SIZE) return await this.#check(image, most, where, unpackedSize);
    const before = this.#large;
    const check = before.then(async () => await this.#check(image, most, where, unpackedSize));
    this.#large = check.then(
      () => undefined,
      () => undefined,
    );
    return await check;
  }

  async #check(image: Buffer, most: number, where: string, unpackedSize: number): Promise<RecordBatch> {
    const columns = unpackedSize < MIN_SENT_SIZE || image.length > SLOT_SIZE ? undefined : await this.#sent(image, most);
    if (columns !== undefined) return { ...columns, image };
    // Also after a worker's check has failed: this throws the precise error.
    const batch = readRecords(image, this.#hash, most);
    checkRecords(batch, this.#hash, where, { isRead: true });
    return batch;
  }

  async #sent(image: Buffer, most: number): Promise<CheckReply> {
    if (this.#isClosed || this.#checkedSize < UNTHREADED_SIZE) return undefined;
    const slot = this.#freeSlot() ?? (await this.#nextSlot());
    return slot === undefined ? undefined : await this.#send(slot, image, most);
  }

  #freeSlot(): Slot | undefined {
    const free = this.#workers.find((worker) => worker.free.length > 0);
    const worker = free ?? (this.#workers.length < this.#threads ? this.#start() : undefined);
    return worker === undefined ? undefined : { of: worker, at: worker.free.pop() as number };
  }

  async #nextSlot(): Promise<Slot | undefined> {
    if (this.#workers.every(({ thread }) => thread.failure !== undefined)) return undefined;
    return await new Promise((resolve) => this.#queue.push(resolve));
  }

  #start(): CheckWorker {
    const memory = sharedMemory(SLOTS_AT + SLOTS_PER_WORKER * SLOT_SIZE);
    const setup: CheckSetup = { hashName: this.#hash.name, memory };
    const free = Array.from({ length: SLOTS_PER_WORKER }, (_, slot) => SLOTS_AT + slot * SLOT_SIZE);
    const thread: CheckWorker['thread'] = new WorkerThread(new URL('./check-worker.js', import.meta.url), {
      name: 'check',
      setup,
      // Check its images, and all later ones, in this thread.
      onLost: () => {
        started.free = [];
        if (this.#workers.every((worker) => worker.thread.failure !== undefined))
          for (const resolve of this.#queue.splice(0)) resolve(undefined);
      },
    });
    const started: CheckWorker = { thread, memory, free };
    this.#workers.push(started);
    return started;
  }

  async #send({ of: to, at }: Slot, image: Buffer, most: number): Promise<CheckReply> {
    copyOctets(new Uint8Array(to.memory.buffer), at, image);
    const reply = await new Promise<CheckReply>((resolve) => {
      to.thread.ask({ at, size: image.length, most }, { answered: resolve, lost: () => resolve(undefined) });
    });
    const next = this.#queue.shift();
    const isLost = to.thread.failure !== undefined;
    if (next !== undefined) next(isLost ? this.#freeSlot() : { of: to, at });
    else if (!isLost) to.free.push(at);
    return reply;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const resolve of this.#queue.splice(0)) resolve(undefined);
    await Promise.all(this.#workers.map(({ thread }) => thread.terminate(new VtError('ECLOSED', 'check: already closed'))));
  }
}

/** Checkers by hash function, created when needed. */
export class RecordCheckers implements AsyncDisposable {
  readonly #checkers = new Map<HashName, RecordChecker>();

  /** The checker for a hash function. */
  of(hashName: HashName): RecordChecker {
    const found = this.#checkers.get(hashName) ?? new RecordChecker(hashByName(hashName));
    this.#checkers.set(hashName, found);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#checkers.values()].map(async (checker) => await checker[Symbol.asyncDispose]()));
  }
}
