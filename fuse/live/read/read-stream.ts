import type { Block } from '../../../core/block/block.ts';
import type { ContentPlanner } from '../../../core/export/content-planner.ts';
import { SegmentRows } from '../../../core/export/segment-rows.ts';
import type { Maybe } from '../../filesystem.ts';
import type { LeafFinder } from './leaf-finder.ts';
import { PART_SIZE } from './read-part.ts';
import type { ReadPool } from './read-pool.ts';

/** Parts read ahead of a reader's last request. */
const PARTS_AHEAD = 5;

/** Parts kept behind a reader: the kernel's requests may come in another order. */
const PARTS_BEHIND = 1;

/** What streams share. */
export interface ReadStreamContext {
  readonly planner: ContentPlanner;
  readonly finder: LeafFinder;
  readonly pool: ReadPool;
}

/** One part of the file, in a slot. */
interface Part {
  readonly slot: number;
  state: 'reading' | 'ready' | 'failed';
  /** Called when it is no longer being read. */
  readonly waiting: (() => void)[];
  /** Its slot goes back as soon as no worker writes to it. */
  unwanted: boolean;
}

/** Reads a content from some offset on: requests in order are answered from parts that workers have read and verified ahead. */
export class ReadStream {
  readonly #context: ReadStreamContext;
  readonly block: Block;
  readonly #parts = new Map<number, Part>();
  /** Requests that wait for a part. */
  #waiting = 0;

  constructor(context: ReadStreamContext, block: Block) {
    this.#context = context;
    this.block = block;
  }

  /** Whether a request waits for a part. */
  get isBusy(): boolean {
    return this.#waiting > 0;
  }

  /**
   * Octets `start` to `end`, at once if they are read; undefined if they have to be read in another way.
   *
   * @param maxAhead - parts that there is room for
   */
  read(start: number, end: number, maxAhead: number): Maybe<readonly Uint8Array[] | undefined> {
    const ahead = Math.max(0, Math.min(PARTS_AHEAD, maxAhead));
    const first = Math.floor(start / PART_SIZE);
    const last = Math.floor((end - 1) / PART_SIZE);
    if (this.#waiting === 0)
      for (const index of this.#parts.keys()) if (index < first - PARTS_BEHIND || index > last + ahead) this.#drop(index);
    const total = Math.ceil(this.block.span / PART_SIZE);
    for (let index = first; index < total && index <= last + ahead; index++) if (!this.#parts.has(index) && !this.#begin(index)) break;
    const reading = this.#parts.get(first)?.state === 'reading' ? first : last;
    if (this.#parts.get(first)?.state !== 'reading' && this.#parts.get(last)?.state !== 'reading') return this.#pieces(start, end);
    return this.#wait(reading, start, end);
  }

  /** Drops what was read ahead. */
  close(): void {
    for (const index of this.#parts.keys()) this.#drop(index);
  }

  async #wait(index: number, start: number, end: number): Promise<readonly Uint8Array[] | undefined> {
    this.#waiting++;
    try {
      for (let at: number | undefined = index; at !== undefined; at = this.#readingWithin(start, end)) {
        const part = this.#parts.get(at);
        if (part?.state === 'reading') await new Promise<void>((resolve) => part.waiting.push(resolve));
      }
      return this.#pieces(start, end);
    } finally {
      this.#waiting--;
    }
  }

  #readingWithin(start: number, end: number): number | undefined {
    for (let index = Math.floor(start / PART_SIZE); index * PART_SIZE < end; index++)
      if (this.#parts.get(index)?.state === 'reading') return index;
    return undefined;
  }

  #pieces(start: number, end: number): readonly Uint8Array[] | undefined {
    const pieces: Uint8Array[] = [];
    for (let at = start; at < end; ) {
      const index = Math.floor(at / PART_SIZE);
      const part = this.#parts.get(index);
      if (part?.state !== 'ready') return undefined;
      const partStart = index * PART_SIZE;
      const to = Math.min(end, partStart + PART_SIZE);
      pieces.push(this.#context.pool.view(part.slot, at - partStart, to - partStart));
      at = to;
    }
    return pieces;
  }

  /** Starts reading a part. @returns false if there is no slot for it */
  #begin(index: number): boolean {
    const { planner, finder, pool } = this.#context;
    const slot = pool.take();
    if (slot === undefined) return false;
    const start = index * PART_SIZE;
    const part: Part = { slot, state: 'reading', waiting: [], unwanted: false };
    this.#parts.set(index, part);
    const rows = finder.find(
      this.block,
      { start, end: Math.min(this.block.span, start + PART_SIZE) },
      () => new SegmentRows(planner.hash.digestSize, 128),
    );
    rows?.locate(planner.source);
    if (rows === undefined || !rows.isLocated(0, rows.count)) part.state = 'failed';
    else
      pool.fill(slot, rows.pack(), (ok) => {
        part.state = ok ? 'ready' : 'failed';
        if (part.unwanted) pool.give(slot);
        for (const go of part.waiting.splice(0)) go();
      });
    return true;
  }

  #drop(index: number): void {
    const part = this.#parts.get(index);
    if (part === undefined) return;
    this.#parts.delete(index);
    part.unwanted = true;
    if (part.state !== 'reading') this.#context.pool.give(part.slot);
  }
}
