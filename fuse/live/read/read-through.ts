import type { Block } from '../../../core/block/block.ts';
import type { BlockSource } from '../../../core/block/block-source.ts';
import { LONG_READ_AHEAD, readBlockRange } from '../../../core/block/read-range.ts';

/** Leaves requested from the Store ahead of need: it may be remote. */
const READ_AHEAD_BLOCKS = 64;

/** Octets, at most, that are read and skipped instead of starting a new walk after them. */
const MAX_SKIP = 256 * 1024;

/** A running walk of the Block tree, and its abort controller. */
interface Walk {
  readonly chunks: AsyncGenerator<Uint8Array>;
  readonly controller: AbortController;
}

/**
 * Reads a content through its Store from some offset on: one walk of its Block tree continues from request to request as long as
 * they come in order.
 */
export class ReadThrough {
  readonly #source: BlockSource;
  readonly #block: Block;
  #walk: Walk | undefined;
  /** Where `#rest`, or the next chunk, starts. */
  #at = 0;
  #rest: Uint8Array = new Uint8Array(0);
  /** Requests take turns. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(source: BlockSource, block: Block) {
    this.#source = source;
    this.#block = block;
  }

  /**
   * Octets `start` to `end`, which must lie within the Block.
   *
   * @param signal - aborts the read, also in the middle of a walk
   * @throws {MissingBlockError} and {CorruptBlockError}; the next request starts a new walk
   */
  read(start: number, end: number, signal: AbortSignal): Promise<readonly Uint8Array[]> {
    const pieces = this.#turn.then(() => this.#read(start, end, signal));
    this.#turn = pieces.catch(() => undefined);
    return pieces;
  }

  /** Ends the walk after the waiting requests are answered. */
  close(): void {
    void this.#turn.then(() => this.#end());
  }

  async #read(start: number, end: number, signal: AbortSignal): Promise<readonly Uint8Array[]> {
    signal.throwIfAborted();
    const { chunks, controller } = this.#walkFrom(start);
    const stop = (): void => controller.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    const pieces: Uint8Array[] = [];
    try {
      while (this.#at < end) {
        if (this.#rest.length === 0) {
          const { value, done } = await chunks.next();
          if (done === true) break;
          this.#rest = value;
        }
        const skipped = Math.min(this.#rest.length, Math.max(0, start - this.#at));
        const piece = this.#rest.subarray(skipped, Math.min(this.#rest.length, end - this.#at));
        if (piece.length > 0) pieces.push(piece);
        this.#at += skipped + piece.length;
        this.#rest = this.#rest.subarray(skipped + piece.length);
      }
    } catch (error) {
      this.#end();
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
    return pieces;
  }

  #walkFrom(start: number): Walk {
    if (this.#walk !== undefined && start >= this.#at && start - this.#at <= MAX_SKIP) return this.#walk;
    this.#end();
    const controller = new AbortController();
    const chunks = readBlockRange(this.#source, this.#block, {
      start,
      readAhead: READ_AHEAD_BLOCKS,
      maxReadAhead: LONG_READ_AHEAD,
      signal: controller.signal,
    });
    this.#at = start;
    this.#walk = { chunks, controller };
    return this.#walk;
  }

  #end(): void {
    void this.#walk?.chunks.return(undefined).catch(() => undefined);
    this.#walk = undefined;
    this.#rest = new Uint8Array(0);
  }
}
