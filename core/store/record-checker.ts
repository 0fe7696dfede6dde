import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { copyOctets } from '../base/copy-octets.ts';
import type { HashFunction, HashName } from '../block/hash.ts';
import { HASH_SCRATCH_SIZE, hashByName } from '../block/hash.ts';
import { checkRecords, readRecords } from './check-records.ts';
import type { RecordBatch } from './record-batch.ts';

/** Octets of an image that goes to a worker, at most. */
const SLOT_SIZE = 2 * 1024 * 1024;
/** Images that one worker has at a time: one to work at, one so that it need not wait. */
const SLOTS_PER_WORKER = 2;
/** Octets that are checked here before a worker is started: it takes 30 ms to start. */
const UNTHREADED_SIZE = 8 * 1024 * 1024;
/** Octets of an image below which it is not worth a message. */
const MIN_SENT_SIZE = 128 * 1024;
const PAGE_SIZE = 65536; // of WebAssembly

/** What a worker is started with. */
export interface CheckSetup {
  readonly hashName: HashName;
  readonly memory: WebAssembly.Memory;
}

/** Asks a worker to check an image in the shared memory. */
export interface CheckRequest {
  readonly at: number;
  readonly size: number;
  /** Records at most. */
  readonly most: number;
}

/** The columns of the image; undefined where something is wrong with it. */
export type CheckReply = Omit<RecordBatch, 'image' | 'isOwned'> | undefined;

interface CheckWorker {
  readonly worker: Worker;
  readonly memory: WebAssembly.Memory;
  readonly free: number[];
  /** Who waits for replies, which come in the order of the requests. */
  readonly waiting: ((reply: CheckReply) => void)[];
}

/** Where slots begin in a worker's memory. */
const SLOTS_AT = Math.ceil(HASH_SCRATCH_SIZE / PAGE_SIZE) * PAGE_SIZE;

/**
 * Verifies records that come from elsewhere, in worker threads where there is much of them, and here when those are busy. The
 * threads keep the process alive until it is disposed of.
 */
export class RecordChecker implements AsyncDisposable {
  readonly #hash: HashFunction;
  readonly #threads: number;
  readonly #workers: CheckWorker[] = [];
  #checkedSize = 0;
  #isClosed = false;

  /** @param threads - workers at most; default one less than there are processors, and 4 at most */
  constructor(hash: HashFunction, threads: number = Math.min(4, availableParallelism() - 1)) {
    this.#hash = hash;
    this.#threads = threads;
  }

  /**
   * Reads the columns of an image and verifies its Blocks. The image must not change meanwhile.
   *
   * @param most - records at most
   * @param where - where they come from, for messages
   * @throws {CorruptBlockError} for the first Block that is not what its digest says, {ParseError} for what is no record
   */
  async check(image: Buffer, most: number, where: string): Promise<RecordBatch> {
    this.#checkedSize += image.length;
    const worker = image.length < MIN_SENT_SIZE || image.length > SLOT_SIZE ? undefined : this.#idleWorker();
    const columns = worker === undefined ? undefined : await this.#send(worker, image, most);
    if (columns !== undefined) return { ...columns, image };
    // Here as well where a worker found something wrong: to say what.
    const batch = readRecords(image, this.#hash, most);
    checkRecords(batch, this.#hash, where);
    return batch;
  }

  #idleWorker(): CheckWorker | undefined {
    if (this.#isClosed || this.#checkedSize < UNTHREADED_SIZE) return undefined;
    const found = this.#workers.find(({ free }) => free.length > 0);
    return found ?? (this.#workers.length < this.#threads ? this.#start() : undefined);
  }

  #start(): CheckWorker {
    const pages = (SLOTS_AT + SLOTS_PER_WORKER * SLOT_SIZE) / PAGE_SIZE;
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    const setup: CheckSetup = { hashName: this.#hash.name, memory };
    const worker = new Worker(new URL('./check-worker.js', import.meta.url), { workerData: setup });
    const free = Array.from({ length: SLOTS_PER_WORKER }, (_, slot) => SLOTS_AT + slot * SLOT_SIZE);
    const started: CheckWorker = { worker, memory, free, waiting: [] };
    worker.on('message', (reply: CheckReply) => started.waiting.shift()?.(reply));
    // What it had is checked here, and so is all that comes later.
    const lost = (): void => {
      free.length = 0;
      for (const resolve of started.waiting.splice(0)) resolve(undefined);
    };
    worker.on('error', lost);
    worker.on('exit', lost);
    this.#workers.push(started);
    return started;
  }

  async #send({ worker, memory, free, waiting }: CheckWorker, image: Buffer, most: number): Promise<CheckReply> {
    const at = free.pop() as number;
    copyOctets(new Uint8Array(memory.buffer), at, image);
    const reply = await new Promise<CheckReply>((resolve) => {
      waiting.push(resolve);
      const request: CheckRequest = { at, size: image.length, most };
      worker.postMessage(request);
    });
    free.push(at);
    return reply;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#workers.map(async ({ worker }) => await worker.terminate()));
  }
}

/** Checkers by hash function, made as they are needed. */
export class RecordCheckers implements AsyncDisposable {
  readonly #checkers = new Map<HashName, RecordChecker>();

  /** That of a hash function. */
  of(hashName: HashName): RecordChecker {
    const found = this.#checkers.get(hashName) ?? new RecordChecker(hashByName(hashName));
    this.#checkers.set(hashName, found);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#checkers.values()].map(async (checker) => await checker[Symbol.asyncDispose]()));
  }
}
