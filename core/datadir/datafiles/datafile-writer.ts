import { closeSync, fdatasync, fstatSync, unlinkSync, writevSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { tryLock } from '../../base/system/file-lock.ts';
import { createStoreFile, openStoreFile, type StoreAccess } from '../../base/system/store-files.ts';
import type { HashFunction } from '../../block/hash.ts';
import { DATAFILE_HEADER_SIZE } from '../../store/records/datafile.ts';
import { PlaceList } from '../../store/records/datafile-index.ts';
import type { RecordBatch } from '../../store/records/record-batch.ts';
import type { RecordLayout } from '../../store/records/record-layout.ts';
import { hashOfDatafile } from './file-hash.ts';
import { readAtOf } from './read-at.ts';

const syncData = promisify(fdatasync);
/** Most pieces of one writev(2): IOV_MAX of Linux and macOS. */
const MAX_PIECES = 1024;

/**
 * The writing end of one .vtd: a raw O_APPEND descriptor under an exclusive lock. After a failed write it must not be
 * used again: its tail may be torn, and a torn tail is left as it is.
 */
export class DatafileWriter {
  /** File name within `data/`. */
  readonly name: string;
  readonly #fd: number;
  #size: number;
  /** End of the last append that succeeded. */
  #wholeSize: number;
  #syncedSize: number;
  /** Its size when it was made or taken up. */
  readonly takenUpAt: number;
  #places: PlaceList | undefined;
  #placedTo: number;

  private constructor(name: string, fd: number, size: number) {
    this.name = name;
    this.#fd = fd;
    this.#size = size;
    this.#wholeSize = size;
    this.#syncedSize = size;
    this.takenUpAt = Math.max(size, DATAFILE_HEADER_SIZE);
    this.#placedTo = this.takenUpAt;
  }

  /**
   * Makes a .vtd and writes its header. Where that fails nothing is left behind.
   *
   * @param header - {@link DATAFILE_HEADER_SIZE} bytes
   */
  static create(folder: string, name: string, header: Buffer, access: StoreAccess): DatafileWriter {
    const path = join(folder, name);
    const fd = createStoreFile(path, access);
    const writer = new DatafileWriter(name, fd, 0);
    try {
      // Nobody else looks for a file of this name to write to; a lock that cannot be had is no reason to fail.
      tryLock(fd);
      writer.append([header]);
    } catch (error) {
      closeSync(fd);
      unlinkSync(path);
      throw error;
    }
    return writer;
  }

  /**
   * Continues with a .vtd where its last writer ended. Gives undefined where another process writes to it, where locks cannot be
   * had, or where it is not `size` bytes long. So too where it has another name, as may be in a copy of the Store, or records of
   * another hash function.
   */
  static resume(folder: string, name: string, size: number, hash: HashFunction): DatafileWriter | undefined {
    if (size < DATAFILE_HEADER_SIZE) return undefined;
    let fd: number;
    try {
      fd = openStoreFile(join(folder, name), 'append');
    } catch {
      return undefined; // gone, or not ours to write
    }
    const seen = fstatSync(fd);
    if (hashOfFile(join(folder, name), hash) === hash && tryLock(fd) === 'held' && fstatSync(fd).size === size && seen.nlink === 1)
      return new DatafileWriter(name, fd, size);
    closeSync(fd);
    return undefined;
  }

  /** Bytes of the file. */
  get size(): number {
    return this.#size;
  }

  /** Bytes that are whole records. */
  get wholeSize(): number {
    return this.#wholeSize;
  }

  /**
   * Appends pieces, in one writev(2) for each 1,024 of them.
   *
   * @returns the offset of the first
   * @throws the system's error; the file is then failed, and what was appended earlier stays good
   */
  append(pieces: readonly Uint8Array[]): number {
    const start = this.#size;
    for (let i = 0; i < pieces.length; i += MAX_PIECES) {
      this.#writeAll(i === 0 && pieces.length <= MAX_PIECES ? pieces : pieces.slice(i, i + MAX_PIECES));
    }
    this.#wholeSize = this.#size;
    return start;
  }

  /**
   * Remembers where Blocks are that were appended, for the index at the end of the file.
   *
   * @param batch - whose Blocks were laid out
   * @param start - where the layout begins
   */
  place({ count, digests, sizes }: RecordBatch, { rows, offsets, storedSizes, codecs, size }: RecordLayout, start: number): void {
    if (start !== this.#placedTo) return;
    const digestSize = count === 0 ? 0 : digests.length / count;
    this.#places ??= new PlaceList(digestSize);
    for (let k = 0; k < rows.length; k++) {
      const i = rows[k] as number;
      const offset = start + (offsets[k] as number);
      this.#places.addAt(digests, i * digestSize, offset, storedSizes[k] as number, sizes[i] as number, codecs[k] as number);
    }
    this.#placedTo = start + size;
  }

  /** Where its records are since it was made or taken up; undefined of none. */
  get places(): PlaceList | undefined {
    return this.#places;
  }

  /** Up to where places are known. */
  get placedTo(): number {
    return this.#placedTo;
  }

  /** When it was last written to, as its filesystem says. */
  writtenNs(): bigint {
    return fstatSync(this.#fd, { bigint: true }).mtimeNs;
  }

  #writeAll(pieces: readonly Uint8Array[]): void {
    let rest = pieces;
    for (;;) {
      let wanted = 0;
      for (const piece of rest) wanted += piece.length;
      if (wanted === 0) return;
      const written = writevSync(this.#fd, rest);
      this.#size += written;
      if (written === wanted) return;
      // A short write: the next call either continues or tells the reason.
      if (written === 0) throw new Error(`append to "${this.name}": no byte was taken`);
      rest = dropOctets(rest, written);
    }
  }

  /**
   * Makes everything appended so far durable.
   *
   * @returns the bytes that are, all of them whole records
   * @throws the system's error: what was appended since the last sync may be lost, and the file is done with
   */
  async sync(): Promise<number> {
    const target = this.#wholeSize;
    if (target !== this.#syncedSize) await syncData(this.#fd);
    this.#syncedSize = target;
    return target;
  }

  /** Closes the descriptor, which releases the lock. */
  close(): void {
    closeSync(this.#fd);
  }
}

function hashOfFile(path: string, otherwise: HashFunction): HashFunction | undefined {
  const fd = openStoreFile(path, 'read');
  try {
    return hashOfDatafile(readAtOf(fd), otherwise);
  } finally {
    closeSync(fd);
  }
}

function dropOctets(pieces: readonly Uint8Array[], count: number): Uint8Array[] {
  const out: Uint8Array[] = [];
  let left = count;
  for (const piece of pieces) {
    if (left >= piece.length) left -= piece.length;
    else {
      out.push(left === 0 ? piece : piece.subarray(left));
      left = 0;
    }
  }
  return out;
}
