import { closeSync, openSync, readSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { VtError } from '../base/errors.ts';
import { MAX_BLOCK_SIZE } from '../block/block.ts';
import type { HashFunction } from '../block/hash.ts';
import type { Segment } from './export-batch.ts';

type StoredSegment = Extract<Segment, { kind: 'stored' }>;

/** Octets read at once: larger buffers fall out of the processor's cache (4 MiB: 612 MB/s restored, 1 MiB: 1,883). */
const WINDOW_SIZE = 1024 * 1024;

/** Octets between two wanted Blocks that are read along rather than skipped. */
const MAX_GAP = 16 * 1024;

/** Files of Blocks held open. */
const MAX_OPEN_FILES = 16;

/** A Block that is not what its location promised: the Store itself has to be asked. */
export class StaleLocationError extends VtError {
  constructor(found: string) {
    super('ECORRUPT', `read Block at its location: ${found}`);
  }
}

/** Reads stored Blocks where they lie, neighbours with one call, and verifies each. */
export class LocatedBlocks implements Disposable {
  readonly #hash: HashFunction;
  readonly #fds = new Map<string, number>();
  #buffer = Buffer.allocUnsafeSlow(0);
  #file = '';
  #start = 0;
  #end = 0;

  constructor(hash: HashFunction) {
    this.#hash = hash;
  }

  /**
   * The wanted part of a Block's bytes: a view that is valid until a read for which `willReplace` said so.
   *
   * @param ahead - the segments that will be asked for next, this one first
   * @param at - its index in `ahead`
   * @throws {StaleLocationError} if the bytes are not those of the digest
   */
  read(ahead: readonly StoredSegment[], at: number): Uint8Array {
    const segment = ahead[at] as StoredSegment;
    const { location, digest, from, size } = segment;
    if (!this.#holds(segment)) this.#fill(ahead, at);
    const stored = this.#buffer.subarray(location.offset - this.#start, location.offset - this.#start + location.storedSize);
    const data = location.codec === 'none' ? stored : decode(stored, segment);
    if (data.length !== location.size) throw new StaleLocationError(`${data.length} octets in place of ${location.size}`);
    if (Buffer.compare(this.#hash.digest(data), digest) !== 0) throw new StaleLocationError('its bytes have another hash');
    if (from + size > data.length) throw new StaleLocationError(`${data.length} octets where its reference says more`);
    return size === data.length ? data : data.subarray(from, from + size);
  }

  /** Whether reading this segment overwrites the buffer that earlier views look into. */
  willReplace(segment: StoredSegment): boolean {
    return !this.#holds(segment);
  }

  #holds({ location }: StoredSegment): boolean {
    return location.file === this.#file && location.offset >= this.#start && location.offset + location.storedSize <= this.#end;
  }

  /** Reads a window that starts with the segment and takes in those after it that lie near. */
  #fill(ahead: readonly StoredSegment[], at: number): void {
    const first = (ahead[at] as StoredSegment).location;
    if (first.storedSize > MAX_BLOCK_SIZE) throw new StaleLocationError(`${first.storedSize} octets stored`);
    let end = first.offset + first.storedSize;
    for (let i = at + 1; i < ahead.length; i++) {
      const { location } = ahead[i] as StoredSegment;
      const next = location.offset + location.storedSize;
      if (location.file !== first.file || location.offset < end || location.offset - end > MAX_GAP || next - first.offset > WINDOW_SIZE)
        break;
      end = next;
    }
    const wanted = end - first.offset;
    if (this.#buffer.length < wanted) this.#buffer = Buffer.allocUnsafeSlow(Math.max(wanted, WINDOW_SIZE));
    this.#file = first.file;
    this.#start = this.#end = first.offset;
    const fd = this.#open(first.file);
    while (this.#end < end) {
      const count = readSync(fd, this.#buffer, this.#end - this.#start, end - this.#end, this.#end);
      if (count === 0) break;
      this.#end += count;
    }
    if (this.#end < first.offset + first.storedSize) throw new StaleLocationError('its file ends before it');
  }

  #open(file: string): number {
    const known = this.#fds.get(file);
    if (known !== undefined) return known;
    for (const [oldest, fd] of this.#fds) {
      if (this.#fds.size < MAX_OPEN_FILES) break;
      closeSync(fd);
      this.#fds.delete(oldest);
    }
    let fd: number;
    try {
      fd = openSync(file, 'r');
    } catch (error) {
      throw new StaleLocationError(error instanceof Error ? error.message : 'its file cannot be opened');
    }
    this.#fds.set(file, fd);
    return fd;
  }

  [Symbol.dispose](): void {
    for (const fd of this.#fds.values()) closeSync(fd);
    this.#fds.clear();
  }
}

function decode(stored: Uint8Array, { location }: StoredSegment): Buffer {
  if (location.codec !== 'zlib') throw new StaleLocationError(`codec ${location.codec} is not known here`);
  try {
    return inflateSync(stored, { maxOutputLength: Math.max(1, Math.min(location.size, MAX_BLOCK_SIZE)) });
  } catch (error) {
    throw new StaleLocationError(error instanceof Error ? error.message : 'it cannot be decoded');
  }
}
