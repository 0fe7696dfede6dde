import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { throwIfCancelled, VtError } from '../base/errors.ts';
import { threadsAtMost } from '../base/system/thread-room.ts';
import { WorkerThread } from '../base/worker-thread.ts';
import type { HashName } from '../block/hash.ts';
import { hashByName } from '../block/hash.ts';
import type { Datadir } from '../datadir/datadir-store.ts';
import { DatafileReaders } from '../datadir/datafiles/datafile-readers.ts';
import { dataFileNames } from '../datadir/index/index-catch-up.ts';
import { DATAFILE_HEADER_SIZE } from '../store/records/datafile.ts';
import type { RenamedLeaves } from './leaf-table.ts';
import type { SweepReply, SweepRequest, SweepSetup } from './sweep-messages.ts';
import { PIECES_AT_ONCE, Sweeper } from './sweeper.ts';

/** With at least this many octets of data files, workers are started: starting one takes 30 ms. */
const THREADED_SIZE = 8 * 1024 * 1024;

/** A thread that reads and hashes pieces. */
interface Hand {
  pieces: number;
  ask(request: SweepRequest): Promise<SweepReply>;
}

/**
 * Hashes all Blocks of a datadir in the order of its data files. It reads each file once, in large pieces. A thread that has read a piece
 * first reports where the next piece begins, and then hashes its own. No contents pass between threads.
 */
export class LeafSweep implements AsyncDisposable {
  readonly #datadir: Datadir;
  readonly #to: HashName;
  readonly #readers: DatafileReaders;
  readonly #threads: WorkerThread<SweepRequest, SweepReply>[] = [];
  readonly #hands: Hand[] = [];
  #wake: (() => void)[] = [];

  constructor(datadir: Datadir, to: HashName) {
    this.#datadir = datadir;
    this.#to = to;
    this.#readers = new DatafileReaders(join(datadir.path, 'data'));
  }

  /** The data files to sweep, and their octets. */
  files(): { readonly name: string; readonly size: number }[] {
    const folder = join(this.#datadir.path, 'data');
    return dataFileNames(folder)
      .sort()
      .map((name) => ({ name, size: statSync(join(folder, name)).size }));
  }

  /**
   * Sweeps one file. It ends at an incomplete record and leaves out damaged Blocks: a later read of these gives the error.
   *
   * @param onSwept - called with leaves and their digests under both functions
   */
  async file(
    { name, size }: { readonly name: string; readonly size: number },
    onSwept: (swept: RenamedLeaves) => Promise<void>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (this.#hands.length === 0) this.#start(this.files().reduce((sum, file) => sum + file.size, 0));
    const path = this.#readers.path(name);
    const fileHash = this.#readers.hashOf(name, hashByName(this.#datadir.hashName)).name;
    const underWay: Promise<void>[] = [];
    try {
      for (let offset = DATAFILE_HEADER_SIZE; offset < size; ) {
        throwIfCancelled(signal);
        const hand = await this.#free();
        hand.pieces++;
        const read = await hand.ask({ kind: 'read', path, offset, size: size - offset, fileHash });
        if (read.kind !== 'read') break;
        const work = this.#hash(hand, onSwept);
        // `Promise.all` below throws the error.
        work.catch(() => undefined);
        underWay.push(work);
        // Skip a record that is larger than a piece.
        offset += read.end === 0 ? (read.nextSize ?? Number.POSITIVE_INFINITY) : read.end;
        if (read.nextSize === undefined) break;
      }
    } finally {
      await Promise.allSettled(underWay);
    }
    await Promise.all(underWay);
  }

  async #hash(hand: Hand, onSwept: (swept: RenamedLeaves) => Promise<void>): Promise<void> {
    try {
      const reply = await hand.ask({ kind: 'hash' });
      if (reply.kind === 'swept' && reply.swept.count > 0) await onSwept(reply.swept);
    } finally {
      hand.pieces--;
      for (const wake of this.#wake.splice(0)) wake();
    }
  }

  /** Resolves with the thread that has least to do, once it can take a piece. */
  async #free(): Promise<Hand> {
    for (;;) {
      let found: Hand | undefined;
      for (const hand of this.#hands) if (found === undefined || hand.pieces < found.pieces) found = hand;
      if (found !== undefined && found.pieces < PIECES_AT_ONCE) return found;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  #start(size: number): void {
    const { hashName: from } = this.#datadir;
    const threads = size < THREADED_SIZE ? 0 : threadsAtMost(Math.min(4, availableParallelism()));
    for (let i = 0; i < threads; i++) {
      const setup: SweepSetup = { from, to: this.#to };
      const thread = new WorkerThread<SweepRequest, SweepReply>(new URL('./sweep-worker.js', import.meta.url), {
        name: 'transition',
        setup,
      });
      this.#threads.push(thread);
      this.#hands.push({
        pieces: 0,
        ask: async (request) => await new Promise((resolve, reject) => thread.ask(request, { answered: resolve, lost: reject })),
      });
    }
    if (threads > 0) return;
    const sweeper = new Sweeper({ from: hashByName(from), to: hashByName(this.#to) }, new DatafileReaders('/'));
    this.#hands.push({
      pieces: 0,
      async ask(request) {
        await new Promise((resolve) => setImmediate(resolve));
        return sweeper.answer(request);
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#readers.close();
    await Promise.all(this.#threads.map(async (thread) => await thread.terminate(new VtError('ECLOSED', 'transition: already closed'))));
  }
}
