import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import type { Octets } from '../base/octets.ts';
import { readFully } from '../base/system/read-fully.ts';
import { pathBytes } from '../base/system/system-error.ts';
import { openTrusted } from '../base/system/trusted-open.ts';

/** Bytes before the place where reading continues, by which a file is known again; also of its head. */
export const CHECK_SIZE = 4096;

/** Bytes read at a time. */
const READ_SIZE = 256 * 1024;

/** Opening a FIFO would wait for its writer. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/** Opens a file for reading. @returns its descriptor @throws a SystemError, or a VtError where it refuses to */
export type FileOpener = (path: Octets) => number;

/** Through any symlinks. */
export const openAny: FileOpener = (path) => openSync(pathBytes(path), OPEN_FLAGS);

/** Through symlinks of root and of this user. */
export const openOwn: FileOpener = (path) => openTrusted(path, OPEN_FLAGS, '--links takes it all the same');

/** Itself: not what a symlink of this name leads to. */
export const openItself: FileOpener = (path) => openSync(pathBytes(path), OPEN_FLAGS | constants.O_NOFOLLOW);

/** Bytes that are much: worth the workers, and worth their start. */
const MUCH_SIZE = 8 * 1024 * 1024;

/** Bytes taken in by the workers before it is noted how far they are. */
const STEP_SIZE = 256 * 1024 * 1024;

/** What takes in the bytes of a file. */
export interface OctetSink {
  /** Takes bytes, which are valid until it resolves. */
  take(octets: Uint8Array): Promise<void>;
  /** Takes much. @param read - fills a room, and gives how many bytes came; less than there is room for is the end */
  takeMuch?(read: (room: Uint8Array) => number): Promise<void>;
}

/** Where reading of a file is, as a checkpoint keeps it. */
export interface FileMark {
  /** Decimal. */
  readonly dev: string;
  readonly ino: string;
  /** Bytes read. */
  readonly offset: number;
  /** SHA-256 of the last {@link CHECK_SIZE} bytes before the offset, in hexadecimal. */
  readonly check: string;
  /** SHA-256 of the first bytes, up to {@link CHECK_SIZE}, as many as `headSize` tells. */
  readonly head: string;
  readonly headSize: number;
  /** When it was changed last, as far as it was read: nanoseconds since 1970, decimal. */
  readonly mtimeNs: string;
}

/** How far a file is read. */
interface Noted {
  readonly offset: number;
  /** The first bytes, and the last before the offset: {@link CHECK_SIZE}, if there are so many. */
  readonly head: Buffer;
  readonly check: Buffer;
}

const NOTHING: Noted = { offset: 0, head: Buffer.alloc(0), check: Buffer.alloc(0) };

/** How far it is read after some more bytes. */
function after({ offset, head, check }: Noted, octets: Uint8Array): Noted {
  const last = octets.length >= CHECK_SIZE ? octets.subarray(-CHECK_SIZE) : Buffer.concat([check, octets]).subarray(-CHECK_SIZE);
  return {
    offset: offset + octets.length,
    head: head.length < CHECK_SIZE ? Buffer.concat([head, octets.subarray(0, CHECK_SIZE)]).subarray(0, CHECK_SIZE) : head,
    // A copy: what is given is used again.
    check: Buffer.from(last),
  };
}

/** What one look at a file found. */
export interface FileLook {
  /** Bytes read that are new. */
  readonly bytes: number;
  /** Bytes read from the file in all: with those by which it is known again. */
  readonly readBytes: number;
  /** It was cut short or rewritten: where reading of what it was was. The next look reads it from its start. */
  readonly restarted: FileMark | undefined;
  readonly stat: BigIntStats;
}

/**
 * One file that grows, read where reading ended. While it changes it is open, so that it may be renamed or removed. Else it is
 * closed, so that its filesystem can be unmounted.
 */
export class TailedFile {
  readonly dev: bigint;
  readonly ino: bigint;
  #openFd: number | undefined;
  #noted: Noted = NOTHING;
  /** Of the last look. */
  #size = -1n;
  #mtimeNs = 0n;
  #ctimeNs = 0n;
  #lastStat: BigIntStats;

  private constructor(fd: number, stat: BigIntStats) {
    this.#openFd = fd;
    this.dev = stat.dev;
    this.ino = stat.ino;
    this.#lastStat = stat;
  }

  /**
   * Opens a file, to be read from its start.
   *
   * @returns undefined for what is no regular file
   * @throws what `opener` throws
   */
  static open(path: Octets, opener: FileOpener): TailedFile | undefined {
    const fd = opener(path);
    const stat = fstatSync(fd, { bigint: true });
    if (stat.isFile()) return new TailedFile(fd, stat);
    closeSync(fd);
    return undefined;
  }

  get fd(): number {
    return this.#fd;
  }

  get #fd(): number {
    if (this.#openFd === undefined) throw new TypeError('follow a file: it is at rest');
    return this.#openFd;
  }

  /** Whether it is not open: nothing but what it was is known of it before it wakes. */
  get isAtRest(): boolean {
    return this.#openFd === undefined;
  }

  /** Closes it, to be opened again by its path. */
  rest(): void {
    if (this.#openFd !== undefined) closeSync(this.#openFd);
    this.#openFd = undefined;
  }

  /** Opens it again. @returns false where the path leads to another file, or to none that can be opened */
  wake(path: Octets, opener: FileOpener): boolean {
    try {
      const fd = opener(path);
      if (this.isOf(fstatSync(fd, { bigint: true }))) {
        this.#openFd = fd;
        return true;
      }
      closeSync(fd);
    } catch {
      // It is searched for where it may be now.
    }
    return false;
  }

  /** Its state when it was looked at last: that of the bytes read. */
  get lastStat(): BigIntStats {
    return this.#lastStat;
  }

  /** Bytes read. */
  get offset(): number {
    return this.#noted.offset;
  }

  get mark(): FileMark {
    return {
      dev: this.dev.toString(),
      ino: this.ino.toString(),
      offset: this.#noted.offset,
      check: digestOf(this.#noted.check),
      head: digestOf(this.#noted.head),
      headSize: this.#noted.head.length,
      mtimeNs: this.#mtimeNs.toString(),
    };
  }

  isOf({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): boolean {
    return this.dev === dev && this.ino === ino;
  }

  stat(): BigIntStats {
    return fstatSync(this.#fd, { bigint: true });
  }

  /** Whether this file begins with all that was read of another. Reads both as far as that, if the last bytes are the same. */
  goesOnFrom(other: TailedFile): boolean {
    const { offset } = other;
    if (offset === 0 || this.stat().size < BigInt(offset) || !this.#matches(offset, other.#noted.check)) return false;
    const mine = Buffer.alloc(READ_SIZE);
    const theirs = Buffer.alloc(READ_SIZE);
    for (let at = 0; at < offset; at += READ_SIZE) {
      const size = Math.min(READ_SIZE, offset - at);
      if (readFully(this.#fd, mine.subarray(0, size), at) < size || readFully(other.#fd, theirs.subarray(0, size), at) < size) return false;
      if (Buffer.compare(mine.subarray(0, size), theirs.subarray(0, size)) !== 0) return false;
    }
    return true;
  }

  /** Continues where another one ended, and has all its content. */
  takeOver(other: TailedFile): void {
    this.#noted = other.#noted;
  }

  /** Continues where an earlier process ended. @returns false where the bytes before that place are others: then it is read from its start */
  resume({ offset, check, head, headSize, mtimeNs }: FileMark): boolean {
    if (this.stat().size < BigInt(offset)) return false;
    const before = Buffer.alloc(Math.min(offset, CHECK_SIZE));
    const first = Buffer.alloc(headSize);
    if (readFully(this.#fd, before, offset - before.length) < before.length || digestOf(before) !== check) return false;
    if (readFully(this.#fd, first, 0) < headSize || digestOf(first) !== head) return false;
    this.#noted = { offset, check: before, head: first };
    this.#mtimeNs = BigInt(mtimeNs);
    return true;
  }

  /** Whether it has one of the two things by which a mark knows it again, and not the other: a file that was written again has neither. */
  isLike({ offset, check, head, headSize }: FileMark): boolean {
    const before = Buffer.alloc(Math.min(offset, CHECK_SIZE));
    const first = Buffer.alloc(headSize);
    const hasCheck = readFully(this.#fd, before, offset - before.length) === before.length && digestOf(before) === check;
    const hasHead = readFully(this.#fd, first, 0) === headSize && digestOf(first) === head;
    return hasCheck !== hasHead;
  }

  /** Is read from its start. */
  readAgain(): void {
    this.#noted = NOTHING;
    this.#size = -1n;
  }

  /**
   * Continues after bytes that somebody has already, if they are those that it begins with, as far as the first and the last tell.
   *
   * @param first - the first ones, and `last` the last ones, up to {@link CHECK_SIZE}
   * @param size - how many they are
   */
  startsWith(first: Uint8Array, last: Uint8Array, size: number): boolean {
    const head = Buffer.from(first);
    const check = Buffer.from(last);
    if (this.stat().size < BigInt(size) || !this.#matches(head.length, head) || !this.#matches(size, check)) return false;
    this.#noted = { offset: size, check, head };
    return true;
  }

  /**
   * Reads what is new, up to the size that the file has now. Where a sink fails, what it was given is read again.
   *
   * @returns undefined where nothing changed since the last look
   */
  async look(sink: OctetSink): Promise<FileLook | undefined> {
    const stat = this.stat();
    if (!this.hasChanged(stat)) return undefined;
    const size = Number(stat.size);
    let readBytes = 0;
    if (this.#noted.offset > 0) {
      readBytes += this.#noted.check.length;
      if (size < this.#noted.offset || !this.#matches(this.#noted.offset, this.#noted.check)) {
        const restarted = this.mark;
        this.#noted = NOTHING;
        this.#size = -1n;
        return { bytes: 0, readBytes, restarted, stat };
      }
    }
    let bytes = 0;
    for (let left = size - this.#noted.offset; left > MUCH_SIZE && sink.takeMuch !== undefined; left = size - this.#noted.offset) {
      const got = await this.#lookAtMuch(sink.takeMuch, Math.min(STEP_SIZE, left));
      bytes += got;
      if (got === 0) break;
    }
    const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(READ_SIZE, size - this.#noted.offset)));
    while (this.#noted.offset < size) {
      const got = readFully(this.#fd, buffer.subarray(0, Math.min(buffer.length, size - this.#noted.offset)), this.#noted.offset);
      // Cut short meanwhile: the next look finds out.
      if (got === 0) break;
      const octets = buffer.subarray(0, got);
      await sink.take(octets);
      this.#noted = after(this.#noted, octets);
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

  /** The bytes that it begins with, `most` at most. */
  firstOctets(most: number): Buffer {
    const octets = Buffer.alloc(most);
    return octets.subarray(0, readFully(this.#fd, octets, 0));
  }

  /** Bytes that it has beyond those read. */
  unreadBytes(): number {
    return this.isAtRest ? 0 : Math.max(0, Number(this.stat().size) - this.#noted.offset);
  }

  close(): void {
    this.rest();
  }

  async #lookAtMuch(takeMuch: NonNullable<OctetSink['takeMuch']>, size: number): Promise<number> {
    const start = this.#noted.offset;
    let noted = this.#noted;
    await takeMuch((room) => {
      const part = room.subarray(0, Math.min(room.length, start + size - noted.offset));
      const got = readFully(this.#fd, part, noted.offset);
      noted = after(noted, part.subarray(0, got));
      return got;
    });
    this.#noted = noted;
    return noted.offset - start;
  }

  /** Whether the bytes before `offset` are these. */
  #matches(offset: number, expected: Buffer): boolean {
    const found = Buffer.alloc(expected.length);
    return readFully(this.#fd, found, offset - expected.length) === expected.length && found.equals(expected);
  }
}

function digestOf(octets: Uint8Array): string {
  return createHash('sha256').update(octets).digest('hex');
}
