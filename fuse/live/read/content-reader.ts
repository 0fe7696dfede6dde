import type { Block } from '../../../core/block/block.ts';
import { sameBlock, UNKNOWN_SPAN } from '../../../core/block/block.ts';
import { readBlockRange } from '../../../core/block/read-range.ts';
import { largestLeaf } from '../../../core/blockify/edge-hash.ts';
import { ContentPlanner } from '../../../core/export/content-planner.ts';
import { capability } from '../../../core/store/capability.ts';
import type { Store } from '../../../core/store/store.ts';
import type { Maybe } from '../../filesystem.ts';
import { LeafFinder } from './leaf-finder.ts';
import { PART_SIZE } from './read-part.ts';
import { ReadPool, SLOTS } from './read-pool.ts';
import { ReadStream } from './read-stream.ts';
import { ReadThrough } from './read-through.ts';
import { SmallFiles } from './small-files.ts';
import { VerifiedLeaves } from './verified-leaves.ts';

/** Bytes read one after the other through a handle before its file is read ahead. */
const STREAM_AFTER = 256 * 1024;

/** Octets left of a file, at least, for which reading ahead pays. */
const MIN_STREAM_SIZE = 1024 * 1024;

/** Largest Blocks of a Store whose files are read ahead part by part; larger ones would be read several times over. */
const MAX_STREAMED_BLOCK = 256 * 1024;

/** Most bytes read by the thread that answers requests. */
const MAX_READ_NOW = 1024 * 1024;

/** Files read ahead, at most. */
const MAX_STREAMS = 8;

/** Files read without a handle that are tracked, at most: their end of use is not reported. */
const MAX_UNHANDLED = 64;

/** Requests for other files after which a file's read-ahead may be dropped. */
const IDLE_AFTER = 64;

/** How a handle has been read so far. */
interface Reading {
  readonly block: Block;
  /** The byte after the last request. */
  next: number;
  /** Bytes read one after the other. */
  inOrder: number;
  /** Which of all requests the last one was. */
  last: number;
  stream: ReadStream | undefined;
  through: ReadThrough | undefined;
}

export interface ContentReaderOptions {
  /** Threads that read ahead. */
  readonly workers: number;
}

/**
 * Reads stored contents for a mount. Small and scattered reads are answered at once, from leaves kept for a while. What is
 * read from start to end comes from parts that worker threads have verified ahead. If the Store hides the locations of its
 * Blocks, or a Block is not at its location, the content is read through the Store, which repairs or reports damage.
 */
export class ContentReader implements Disposable {
  readonly #store: Store;
  readonly #parts:
    | {
        readonly planner: ContentPlanner;
        readonly finder: LeafFinder;
        readonly pool: ReadPool;
        readonly leaves: VerifiedLeaves;
        readonly small: SmallFiles;
      }
    | undefined;
  readonly #readings = new Map<number, Reading>();
  /** Readings with read-ahead, the most recently used last. */
  readonly #streams = new Set<Reading>();
  /** Readings whose key is the file's number. */
  readonly #unhandled = new Set<number>();
  #requests = 0;

  constructor(store: Store, options: ContentReaderOptions) {
    this.#store = store;
    if (capability(store, 'location') === undefined) return;
    const planner = new ContentPlanner(store);
    this.#parts = {
      planner,
      finder: new LeafFinder(planner),
      pool: new ReadPool(store.hashName, options.workers),
      leaves: new VerifiedLeaves(store, planner.hash),
      small: new SmallFiles(planner),
    };
  }

  /**
   * Bytes `start` to `end` of a Block as read through an open file; those past its end are left out.
   *
   * @param handle - negative without a handle: it is then the negated number of the file
   */
  read(handle: number, block: Block, start: number, end: number, signal: () => AbortSignal): Maybe<readonly Uint8Array[]> {
    if (block.span === UNKNOWN_SPAN) return this.#collect(block, start, end, signal());
    const to = Math.min(end, block.span);
    if (to <= start) return [];
    const reading = this.#reading(handle, block);
    reading.inOrder = start === reading.next ? reading.inOrder + (to - start) : to - start;
    reading.next = to;
    return this.#ahead(reading, start, to, signal) ?? this.#now(block, start, to) ?? this.#through(reading, start, to, signal());
  }

  /** Bytes of a Block for a reader without a handle, at once; undefined if they are not in memory. */
  readNow(block: Block, start: number, end: number): readonly Uint8Array[] | undefined {
    return block.span === UNKNOWN_SPAN ? undefined : this.#now(block, start, Math.min(end, block.span));
  }

  /** Small files, where they can be read together. */
  get small(): SmallFiles | undefined {
    return this.#parts?.small;
  }

  /** The handle is closed. */
  close(handle: number): void {
    const reading = this.#readings.get(handle);
    if (reading === undefined) return;
    this.#readings.delete(handle);
    this.#unhandled.delete(handle);
    this.#end(reading);
  }

  #reading(handle: number, block: Block): Reading {
    const known = this.#readings.get(handle);
    if (known !== undefined && (known.block === block || sameBlock(known.block, block))) return known;
    if (known !== undefined) this.#end(known);
    const reading: Reading = { block, next: 0, inOrder: 0, last: 0, stream: undefined, through: undefined };
    this.#readings.set(handle, reading);
    if (handle < 0) this.#limitUnhandled(handle);
    return reading;
  }

  /** Drops the readings that were begun first. */
  #limitUnhandled(newest: number): void {
    this.#unhandled.add(newest);
    for (const oldest of this.#unhandled) {
      if (this.#unhandled.size <= MAX_UNHANDLED) return;
      this.close(oldest);
    }
  }

  /** Reads from the read-ahead, or begins one. */
  #ahead(reading: Reading, start: number, end: number, signal: () => AbortSignal): Maybe<readonly Uint8Array[]> | undefined {
    const parts = this.#parts;
    const { block } = reading;
    if (parts === undefined || reading.inOrder < STREAM_AFTER) return undefined;
    if (reading.stream === undefined) {
      if (block.span - start < MIN_STREAM_SIZE || largestLeaf(this.#store.edges) > MAX_STREAMED_BLOCK || end - start > PART_SIZE)
        return undefined;
      if (!parts.pool.isReady) return undefined;
      reading.stream = new ReadStream(parts, block);
    }
    this.#requests++;
    reading.last = this.#requests;
    this.#streams.delete(reading);
    this.#makeRoom(parts.pool);
    this.#streams.add(reading);
    const found = reading.stream.read(start, end, Math.floor(SLOTS / this.#streams.size) - 2);
    if (!(found instanceof Promise)) return found;
    return found.then((pieces) => pieces ?? this.#now(block, start, end) ?? this.#collect(block, start, end, signal()));
  }

  /** Frees parts of the files that have not been read for longest. */
  #makeRoom(pool: ReadPool): void {
    for (const reading of this.#streams) {
      const isIdle = !pool.hasRoom && this.#requests - reading.last > IDLE_AFTER;
      if (this.#streams.size < MAX_STREAMS && !isIdle) return;
      if (reading.stream?.isBusy !== true) this.#end(reading);
    }
  }

  #end(reading: Reading): void {
    reading.stream?.close();
    reading.stream = undefined;
    reading.through?.close();
    reading.through = undefined;
    this.#streams.delete(reading);
  }

  #now(block: Block, start: number, end: number): readonly Uint8Array[] | undefined {
    const parts = this.#parts;
    if (parts === undefined || end - start > MAX_READ_NOW) return undefined;
    const found = parts.finder.find(block, { start, end }, () => parts.leaves.collector());
    return found === undefined ? undefined : parts.leaves.complete(found);
  }

  #through(reading: Reading, start: number, end: number, signal: AbortSignal): Promise<readonly Uint8Array[]> {
    reading.through ??= new ReadThrough(this.#store, reading.block);
    return reading.through.read(start, end, signal);
  }

  async #collect(block: Block, start: number, end: number, signal: AbortSignal): Promise<readonly Uint8Array[]> {
    const pieces: Uint8Array[] = [];
    for await (const piece of readBlockRange(this.#store, block, { start, end, signal })) pieces.push(piece);
    return pieces;
  }

  /** Ends the threads and closes the files. */
  [Symbol.dispose](): void {
    for (const reading of this.#readings.values()) this.#end(reading);
    this.#readings.clear();
    this.#parts?.pool[Symbol.dispose]();
    this.#parts?.leaves[Symbol.dispose]();
    this.#parts?.small[Symbol.dispose]();
    this.#parts?.planner[Symbol.dispose]();
  }
}
