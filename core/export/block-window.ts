import { readSync } from 'node:fs';
import { VtError } from '../base/errors.ts';
import { OpenFiles } from '../base/system/open-files.ts';
import { readFully } from '../base/system/read-fully.ts';
import { sharedMemory } from '../base/system/shared-memory.ts';
import { errorReason } from '../base/system/system-error.ts';
import { MAX_BLOCK_SIZE } from '../block/block-size.ts';
import type { HashFunction } from '../block/hash.ts';
import { HASH_SCRATCH_SIZE } from '../block/hash.ts';
import type { MemoryDigester } from '../block/memory-digester.ts';
import { BlockOpener } from '../sealed/seal-blocks.ts';
import { blockKeysOf } from '../sealed/seal-keys.ts';
import { codecByNumber, codecNumber } from '../store/records/datafile.ts';
import { PART_SIZE, partAt, UnpackedFrames } from '../store/records/frame.ts';
import { decodeStored } from '../store/records/stored-bytes.ts';
import type { PackedSegments } from './segment-rows.ts';
import { CELL, ROW_SIZE, SEGMENT } from './segment-rows.ts';

/** Bytes read at once. Larger buffers exceed the processor's cache: with 4 MiB an export reached 612 MB/s, with 1 MiB 1,883. */
const WINDOW_SIZE = 1024 * 1024;

/** Maximum bytes between two wanted Blocks that are read with them rather than skipped. */
const MAX_GAP = 16 * 1024;

/** Maximum Blocks of one window. */
const MAX_WINDOW_ROWS = 2048;

/** Maximum data files kept open. */
const MAX_OPEN_FILES = 16;

/** Unpacked frames kept: the Blocks of a file may alternate between several. */
const MAX_KEPT_FRAMES = 8;

const PART = codecNumber('part');

/** The state of a row of the window. */
const STATE = { unread: 0, verified: 1, wrong: 2 } as const;

/** The bytes at a location are not those of the Block. The caller must get the Block from the Store. */
export class StaleLocationError extends VtError {
  constructor(found: string) {
    super('ECORRUPT', `read Block at its location: ${found}`);
  }
}

const NO_SEGMENTS: PackedSegments = {
  cells: new Float64Array(0),
  digests: new Uint8Array(0),
  literals: new Uint8Array(0),
  files: [],
};

/**
 * Reads stored Blocks at their locations, adjacent ones with one call. All Blocks of a window are verified together and in place, so no
 * byte is copied between the read and the user of the view.
 */
export class BlockWindow implements Disposable {
  readonly #hash: HashFunction;
  readonly #digestWords: number;
  readonly #files = new OpenFiles(MAX_OPEN_FILES);
  readonly #frames = new UnpackedFrames<string>(MAX_KEPT_FRAMES);
  /** By row, the bytes of Blocks that were in frames or sealed. */
  readonly #unpacked = new Map<number, Uint8Array>();
  /** The buffer into which packed frames are read. */
  #packed: Buffer = Buffer.alloc(0);
  #digester: MemoryDigester | undefined;
  /** The bytes of the window, or of a single Block that is too large for it. */
  #bytes: Uint8Array = new Uint8Array(0);
  #window: Uint8Array | undefined;
  #segments = NO_SEGMENTS;
  #wanted = new Int32Array(0);
  /** Decrypts Blocks, if they are sealed. */
  #opener: BlockOpener | undefined;
  /** The buffer for decrypted Blocks. */
  #plain: Buffer | undefined;
  /** The source of the window's Blocks: the path of a file, or records in memory. */
  #file: string | Uint8Array = '';
  #start = 0;
  #end = 0;
  #firstRow = 0;
  #endRow = 0;
  readonly #states = new Uint8Array(MAX_WINDOW_ROWS);
  readonly #ranges: number[] = [];
  readonly #rangeRows: number[] = [];
  #digests = new Uint8Array(0);

  constructor(hash: HashFunction) {
    this.#hash = hash;
    this.#digestWords = hash.digestSize / 4;
  }

  /** Selects the segments to which row numbers refer from now on. */
  use(segments: PackedSegments): void {
    this.#segments = segments;
    const { buffer, byteOffset, byteLength } = segments.digests;
    this.#wanted = new Int32Array(buffer, byteOffset, byteLength / 4);
    this.#firstRow = this.#endRow = 0;
    this.#opener = segments.keys && new BlockOpener(blockKeysOf(segments.keys), segments.digests);
  }

  /** Whether the window contains this row's Block. */
  holds(row: number): boolean {
    return row >= this.#firstRow && row < this.#endRow && this.#states[row - this.#firstRow] !== STATE.unread;
  }

  /**
   * Reads a window that starts with a row's Block and includes nearby Blocks of the rows after it. Earlier views become invalid.
   *
   * @throws {StaleLocationError} if the file cannot be read, or ends before the end of the Block
   */
  fill(row: number): void {
    const { cells, files } = this.#segments;
    const at = row * ROW_SIZE;
    const file = cells[at + CELL.file] as number;
    const start = cells[at + CELL.offset] as number;
    const storedSize = cells[at + CELL.storedSize] as number;
    this.#firstRow = this.#endRow = row;
    const found = files[file];
    if (found === undefined) throw new StaleLocationError('it has none');
    if (storedSize > MAX_BLOCK_SIZE) throw new StaleLocationError(`${storedSize} bytes stored`);
    const isAlone = storedSize > WINDOW_SIZE;
    this.#bytes = isAlone ? Buffer.allocUnsafeSlow(storedSize) : this.#ownWindow();
    const { end, endRow } = isAlone ? { end: start + storedSize, endRow: row + 1 } : this.#reach(row);
    this.#file = found;
    this.#start = this.#end = start;
    this.#read(end);
    if (this.#end < start + storedSize) throw new StaleLocationError('its file ends before it');
    this.#endRow = endRow;
    this.#verify(isAlone);
  }

  #ownWindow(): Uint8Array {
    if (this.#window === undefined) {
      const memory = sharedMemory(WINDOW_SIZE + HASH_SCRATCH_SIZE);
      this.#window = Buffer.from(memory.buffer as unknown as ArrayBuffer, 0, WINDOW_SIZE);
      this.#digester = this.#hash.digesterOf(memory, WINDOW_SIZE);
    }
    return this.#window;
  }

  /** The end of a window that starts with a row: the byte and the row after its last. */
  #reach(first: number): { readonly end: number; readonly endRow: number } {
    const { cells } = this.#segments;
    const rows = Math.min(cells.length / ROW_SIZE, first + MAX_WINDOW_ROWS);
    const firstAt = first * ROW_SIZE;
    const file = cells[firstAt + CELL.file] as number;
    const start = cells[firstAt + CELL.offset] as number;
    let end = start + (cells[firstAt + CELL.storedSize] as number);
    let endRow = first + 1;
    for (let row = first + 1; row < rows; row++) {
      const at = row * ROW_SIZE;
      if (cells[at + CELL.kind] !== SEGMENT.stored) continue;
      const offset = cells[at + CELL.offset] as number;
      const next = offset + (cells[at + CELL.storedSize] as number);
      if (cells[at + CELL.file] !== file || offset < end || offset - end > MAX_GAP || next - start > WINDOW_SIZE) break;
      end = next;
      endRow = row + 1;
    }
    return { end, endRow };
  }

  #read(end: number): void {
    if (typeof this.#file !== 'string') {
      const found = this.#file.subarray(this.#start, end);
      this.#bytes.set(found);
      this.#end = this.#start + found.length;
      return;
    }
    const fd = this.#open(this.#file);
    while (this.#end < end) {
      let count: number;
      try {
        count = readSync(fd, this.#bytes, this.#end - this.#start, end - this.#end, this.#end);
      } catch (error) {
        throw new StaleLocationError(errorReason(error));
      }
      if (count === 0) return;
      this.#end += count;
    }
  }

  #verify(isAlone: boolean): void {
    const { cells } = this.#segments;
    const ranges = this.#ranges;
    const rows = this.#rangeRows;
    const parts: number[] = [];
    const sealed: number[] = [];
    ranges.length = rows.length = 0;
    this.#unpacked.clear();
    for (let row = this.#firstRow; row < this.#endRow; row++) {
      const at = row * ROW_SIZE;
      const offset = (cells[at + CELL.offset] as number) - this.#start;
      const end = offset + (cells[at + CELL.storedSize] as number);
      const isWhole = cells[at + CELL.kind] === SEGMENT.stored && this.#start + end <= this.#end;
      this.#states[row - this.#firstRow] = isWhole ? STATE.wrong : STATE.unread;
      if (isWhole && this.#opener !== undefined) sealed.push(row);
      else if (isWhole && cells[at + CELL.codec] === PART) parts.push(row);
      if (!isWhole || this.#opener !== undefined || cells[at + CELL.codec] !== 0 || cells[at + CELL.size] !== cells[at + CELL.storedSize])
        continue;
      ranges.push(offset, end);
      rows.push(row);
    }
    if (parts.length > 0) this.#verifyParts(parts);
    if (sealed.length > 0) this.#verifySealed(sealed);
    if (rows.length === 0) return;
    this.#roomFor(rows.length);
    if (isAlone || this.#digester === undefined) this.#hash.digestMany(this.#bytes, ranges, this.#digests);
    else this.#digester(ranges, this.#digests);
    this.#markVerified(rows);
  }

  /** Unpacks Blocks that are in frames. The Blocks of one frame are verified together. */
  #verifyParts(rows: readonly number[]): void {
    const { cells } = this.#segments;
    let frame: Buffer | undefined;
    let frameAt = -1;
    let ranges: number[] = [];
    let inFrame: number[] = [];
    const verify = (): void => {
      if (frame === undefined || inFrame.length === 0) return;
      this.#roomFor(inFrame.length);
      this.#hash.digestMany(frame, ranges, this.#digests);
      this.#markVerified(inFrame);
      ranges = [];
      inFrame = [];
    };
    for (const row of rows) {
      const at = row * ROW_SIZE;
      const offset = cells[at + CELL.offset] as number;
      const part = cells[at + CELL.storedSize] === PART_SIZE ? partAt(this.#bytes, offset - this.#start) : undefined;
      if (part === undefined) continue;
      const found = offset - part.back === frameAt ? frame : this.#frame(offset - part.back, part.frameSize);
      const size = cells[at + CELL.size] as number;
      if (found === undefined || part.start + size > found.length) continue;
      if (found !== frame) verify();
      frame = found;
      frameAt = offset - part.back;
      ranges.push(part.start, part.start + size);
      inFrame.push(row);
      this.#unpacked.set(row, found.subarray(part.start, part.start + size));
    }
    verify();
  }

  /** Decrypts sealed Blocks, and verifies them together. */
  #verifySealed(rows: readonly number[]): void {
    const { cells } = this.#segments;
    const size = rows.reduce((sum, row) => sum + (cells[row * ROW_SIZE + CELL.size] as number), 0);
    // To allocate memory each time would take as long as to decrypt. The memory of a single large Block is not kept.
    const plain = this.#plain !== undefined && size <= WINDOW_SIZE ? this.#plain : Buffer.allocUnsafeSlow(Math.max(size, WINDOW_SIZE));
    if (size <= WINDOW_SIZE) this.#plain = plain;
    const ranges: number[] = [];
    const opened: number[] = [];
    let end = 0;
    for (const row of rows) {
      const at = row * ROW_SIZE;
      const offset = (cells[at + CELL.offset] as number) - this.#start;
      const bytes = this.#bytes.subarray(offset, offset + (cells[at + CELL.storedSize] as number));
      const target = plain.subarray(end, end + (cells[at + CELL.size] as number));
      if (this.#opener?.open(row, bytes, target) !== true) continue;
      ranges.push(end, end + target.length);
      opened.push(row);
      end += target.length;
      this.#unpacked.set(row, target);
    }
    this.#roomFor(opened.length);
    this.#hash.digestMany(plain, ranges, this.#digests);
    this.#markVerified(opened);
  }

  #roomFor(count: number): void {
    const { digestSize } = this.#hash;
    if (this.#digests.length < count * digestSize) this.#digests = new Uint8Array(2 * count * digestSize);
  }

  /** Marks the rows whose digests are right. */
  #markVerified(rows: readonly number[]): void {
    const words = this.#digestWords;
    const found = new Int32Array(this.#digests.buffer, 0, rows.length * words);
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] as number;
      let different = 0;
      for (let word = 0; word < words; word++)
        different |= (found[i * words + word] as number) ^ (this.#wanted[row * words + word] as number);
      if (different === 0) this.#states[row - this.#firstRow] = STATE.verified;
    }
  }

  /**
   * The wanted part of a row's Block, which must be in the window. The view is valid until the next `fill`.
   *
   * @throws {StaleLocationError} if the bytes do not match the digest
   */
  view(row: number): Uint8Array {
    const { cells } = this.#segments;
    const at = row * ROW_SIZE;
    const from = cells[at + CELL.from] as number;
    const wanted = cells[at + CELL.wanted] as number;
    const offset = (cells[at + CELL.offset] as number) - this.#start;
    const size = cells[at + CELL.size] as number;
    if (from + wanted > size) throw new StaleLocationError(`${size} bytes where its reference says more`);
    if (this.#states[row - this.#firstRow] === STATE.verified) {
      const unpacked = this.#unpacked.get(row);
      return unpacked?.subarray(from, from + wanted) ?? this.#bytes.subarray(offset + from, offset + from + wanted);
    }
    const codec = codecByNumber(cells[at + CELL.codec] as number);
    if (this.#opener !== undefined) throw new StaleLocationError('its seal is broken');
    if (codec === 'none' || codec === 'part') throw new StaleLocationError('its bytes have another hash');
    const stored = Buffer.from(this.#bytes.subarray(offset, offset + (cells[at + CELL.storedSize] as number)));
    const data = decodeStored(stored, codec, Math.min(size, MAX_BLOCK_SIZE));
    if (data === undefined) throw new StaleLocationError('it cannot be decoded');
    const { digests } = this.#segments;
    const { digestSize } = this.#hash;
    if (Buffer.compare(this.#hash.digest(data), digests.subarray(row * digestSize, (row + 1) * digestSize)) !== 0) {
      throw new StaleLocationError('its bytes have another hash');
    }
    return data.subarray(from, from + wanted);
  }

  #frame(offset: number, size: number): Buffer | undefined {
    const file = this.#file;
    // Records in memory have no frames.
    if (offset < 0 || typeof file !== 'string') return undefined;
    return this.#frames.get(`${offset} ${file}`, () => {
      if (this.#packed.length < size) this.#packed = Buffer.allocUnsafeSlow(Math.max(size, 2 * this.#packed.length));
      const frame = this.#packed.subarray(0, size);
      return frame.subarray(0, readFully(this.#open(file), frame, offset));
    });
  }

  #open(file: string): number {
    try {
      return this.#files.open(file);
    } catch (error) {
      throw new StaleLocationError(errorReason(error));
    }
  }

  /** Closes the files. */
  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
  }
}
