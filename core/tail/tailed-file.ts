import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import type { Octets } from '../base/octets.ts';
import { readFully } from '../base/read-fully.ts';
import { pathBytes } from '../base/system-error.ts';

/** Octets before the place where reading goes on, by which a file is known again; also of its head. */
export const CHECK_SIZE = 4096;

/** Octets read at a time. */
const READ_SIZE = 256 * 1024;

/** Where reading of a file stands, as a checkpoint keeps it. */
export interface FileMark {
  /** Decimal. */
  readonly dev: string;
  readonly ino: string;
  /** Octets read. */
  readonly offset: number;
  /** SHA-256 of the last {@link CHECK_SIZE} octets before the offset, in hexadecimal. */
  readonly check: string;
  /** SHA-256 of the first octets, up to {@link CHECK_SIZE}, as many as `headSize` tells. */
  readonly head: string;
  readonly headSize: number;
  /** When it was changed last, as far as it was read: nanoseconds since 1970, decimal. */
  readonly mtimeNs: string;
}

/** What one look at a file found. */
export interface FileLook {
  /** Octets read that are new. */
  readonly bytes: number;
  /** Octets read from the file in all: with those by which it is known again. */
  readonly readBytes: number;
  /** It was cut short or rewritten: where reading of what it was stood. The next look reads it from its start. */
  readonly restarted: FileMark | undefined;
  readonly stat: BigIntStats;
}

/** One file that grows: open as long as it is followed, so that it may be renamed or removed; read where reading ended. */
export class TailedFile {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly #fd: number;
  #offset = 0;
  /** The last octets before the offset. */
  #check: Buffer = Buffer.alloc(0);
  #head: Buffer = Buffer.alloc(0);
  /** Of the last look. */
  #size = -1n;
  #mtimeNs = 0n;
  #ctimeNs = 0n;
  #lastStat: BigIntStats;
  #isClosed = false;

  private constructor(fd: number, stat: BigIntStats) {
    this.#fd = fd;
    this.dev = stat.dev;
    this.ino = stat.ino;
    this.#lastStat = stat;
  }

  /**
   * Opens a file, to be read from its start.
   *
   * @returns undefined for what is no regular file
   * @throws a SystemError if it cannot be opened
   */
  static open(path: Octets): TailedFile | undefined {
    // Opening a FIFO would wait for its writer.
    const fd = openSync(pathBytes(path), constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(fd, { bigint: true });
    if (stat.isFile()) return new TailedFile(fd, stat);
    closeSync(fd);
    return undefined;
  }

  get fd(): number {
    return this.#fd;
  }

  /** Its state when it was looked at last: that of the octets read. */
  get lastStat(): BigIntStats {
    return this.#lastStat;
  }

  /** Octets read. */
  get offset(): number {
    return this.#offset;
  }

  get mark(): FileMark {
    return {
      dev: this.dev.toString(),
      ino: this.ino.toString(),
      offset: this.#offset,
      check: digestOf(this.#check),
      head: digestOf(this.#head),
      headSize: this.#head.length,
      mtimeNs: this.#mtimeNs.toString(),
    };
  }

  isOf({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): boolean {
    return this.dev === dev && this.ino === ino;
  }

  stat(): BigIntStats {
    return fstatSync(this.#fd, { bigint: true });
  }

  /** Whether this file begins with all that was read of another. Reads both as far as that, if the last octets are the same. */
  goesOnFrom(other: TailedFile): boolean {
    const { offset } = other;
    if (offset === 0 || this.stat().size < BigInt(offset) || !this.#matches(offset, other.#check)) return false;
    const mine = Buffer.alloc(READ_SIZE);
    const theirs = Buffer.alloc(READ_SIZE);
    for (let at = 0; at < offset; at += READ_SIZE) {
      const size = Math.min(READ_SIZE, offset - at);
      if (readFully(this.#fd, mine.subarray(0, size), at) < size || readFully(other.#fd, theirs.subarray(0, size), at) < size) return false;
      if (Buffer.compare(mine.subarray(0, size), theirs.subarray(0, size)) !== 0) return false;
    }
    return true;
  }

  /** Goes on where another one ended, of which it has all. */
  takeOver(other: TailedFile): void {
    this.#offset = other.#offset;
    this.#check = other.#check;
    this.#head = other.#head;
  }

  /** Goes on where an earlier process ended. @returns false where the octets before that place are others: then it is read from its start */
  resume({ offset, check, head, headSize, mtimeNs }: FileMark): boolean {
    if (this.stat().size < BigInt(offset)) return false;
    const before = Buffer.alloc(Math.min(offset, CHECK_SIZE));
    const first = Buffer.alloc(headSize);
    if (readFully(this.#fd, before, offset - before.length) < before.length || digestOf(before) !== check) return false;
    if (readFully(this.#fd, first, 0) < headSize || digestOf(first) !== head) return false;
    this.#offset = offset;
    this.#check = before;
    this.#head = first;
    this.#mtimeNs = BigInt(mtimeNs);
    return true;
  }

  /**
   * Goes on after octets that somebody has already, if they are those that it begins with, as far as the first and the last tell.
   *
   * @param first - the first ones, and `last` the last ones, up to {@link CHECK_SIZE}
   * @param size - how many they are
   */
  startsWith(first: Uint8Array, last: Uint8Array, size: number): boolean {
    const head = Buffer.from(first);
    const check = Buffer.from(last);
    if (this.stat().size < BigInt(size) || !this.#matches(head.length, head) || !this.#matches(size, check)) return false;
    this.#offset = size;
    this.#head = head;
    this.#check = check;
    return true;
  }

  /**
   * Reads what is new, up to the size that the file has now.
   *
   * @param take - given the octets, which are valid until it resolves
   * @returns undefined where nothing changed since the last look
   */
  async look(take: (octets: Uint8Array) => Promise<void>): Promise<FileLook | undefined> {
    const stat = this.stat();
    if (!this.hasChanged(stat)) return undefined;
    const size = Number(stat.size);
    let readBytes = 0;
    if (this.#offset > 0) {
      readBytes += this.#check.length;
      if (size < this.#offset || !this.#matches(this.#offset, this.#check)) {
        const restarted = this.mark;
        this.#offset = 0;
        this.#check = Buffer.alloc(0);
        this.#head = Buffer.alloc(0);
        this.#size = -1n;
        return { bytes: 0, readBytes, restarted, stat };
      }
    }
    let bytes = 0;
    const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(READ_SIZE, size - this.#offset)));
    while (this.#offset < size) {
      const got = readFully(this.#fd, buffer.subarray(0, Math.min(buffer.length, size - this.#offset)), this.#offset);
      // Cut short meanwhile: the next look finds out.
      if (got === 0) break;
      const octets = buffer.subarray(0, got);
      await take(octets);
      this.#note(octets);
      bytes += got;
    }
    this.#lastStat = stat;
    this.#size = stat.size;
    this.#mtimeNs = stat.mtimeNs;
    this.#ctimeNs = stat.ctimeNs;
    return { bytes, readBytes: readBytes + bytes, restarted: undefined, stat };
  }

  /** Whether it is another than at the last look. */
  hasChanged(stat = this.stat()): boolean {
    return stat.size !== this.#size || stat.mtimeNs !== this.#mtimeNs || stat.ctimeNs !== this.#ctimeNs;
  }

  /** The octets that it begins with, `most` at most. */
  firstOctets(most: number): Buffer {
    const octets = Buffer.alloc(most);
    return octets.subarray(0, readFully(this.#fd, octets, 0));
  }

  /** Octets that it has beyond those read. */
  unreadBytes(): number {
    return Math.max(0, Number(this.stat().size) - this.#offset);
  }

  close(): void {
    if (!this.#isClosed) closeSync(this.#fd);
    this.#isClosed = true;
  }

  #note(octets: Buffer): void {
    this.#offset += octets.length;
    if (this.#head.length < CHECK_SIZE) this.#head = Buffer.concat([this.#head, octets]).subarray(0, CHECK_SIZE);
    this.#check = Buffer.from(
      octets.length >= CHECK_SIZE ? octets.subarray(-CHECK_SIZE) : Buffer.concat([this.#check, octets]).subarray(-CHECK_SIZE),
    );
  }

  /** Whether the octets before `offset` are these. */
  #matches(offset: number, expected: Buffer): boolean {
    const found = Buffer.alloc(expected.length);
    return readFully(this.#fd, found, offset - expected.length) === expected.length && found.equals(expected);
  }
}

function digestOf(octets: Uint8Array): string {
  return createHash('sha256').update(octets).digest('hex');
}
