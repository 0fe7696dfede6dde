import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import type { Octets } from '../base/octets.ts';
import { readFully } from '../base/system/read-fully.ts';
import { pathBytes } from '../base/system/system-error.ts';
import { openTrusted } from '../base/system/trusted-open.ts';

/** Bytes by which a file is recognised: those before the read position, and as many at its start. */
export const CHECK_SIZE = 4096;

/** Bytes per read. */
const READ_SIZE = 256 * 1024;

/** O_NONBLOCK, since opening a FIFO would wait for its writer. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * Opens a file for reading.
 *
 * @returns its descriptor
 * @throws a SystemError, or a VtError if it refuses to
 */
export type FileOpener = (path: Octets) => number;

/** Follows any symlinks. */
export const openAny: FileOpener = (path) => openSync(pathBytes(path), OPEN_FLAGS);

/** Follows symlinks of root and of this user. */
export const openOwn: FileOpener = (path) => openTrusted(path, OPEN_FLAGS, '--links takes it all the same');

/** Does not follow a symlink of this name. */
export const openItself: FileOpener = (path) => openSync(pathBytes(path), OPEN_FLAGS | constants.O_NOFOLLOW);

/** More unread bytes than this are worth starting the workers. */
const MUCH_SIZE = 8 * 1024 * 1024;

/** Bytes that the workers read before the position is noted. */
const STEP_SIZE = 256 * 1024 * 1024;

/** Receives the bytes of a file. */
export interface OctetSink {
  /** Takes bytes; they are valid until the promise resolves. */
  take(octets: Uint8Array): Promise<void>;
  /** Takes many bytes. @param read - fills a buffer and returns the number of bytes; fewer than fit mean the end */
  takeMuch?(read: (room: Uint8Array) => number): Promise<void>;
}

/** The read position in a file, as a checkpoint keeps it. */
export interface FileMark {
  /** Device number, decimal; `ino`: inode number, decimal. */
  readonly dev: string;
  readonly ino: string;
  /** The read position in bytes. */
  readonly offset: number;
  /** SHA-256 of the last {@link CHECK_SIZE} bytes before the offset, in hexadecimal. */
  readonly check: string;
  /** SHA-256 of the first `headSize` bytes, at most {@link CHECK_SIZE}, in hexadecimal. */
  readonly head: string;
  readonly headSize: number;
  /** Its mtime when it was read last: nanoseconds since 1970, decimal. */
  readonly mtimeNs: string;
}

/** How far a file was read. */
interface Noted {
  readonly offset: number;
  /** The first bytes, and the last ones before the offset, at most {@link CHECK_SIZE} each. */
  readonly head: Buffer;
  readonly check: Buffer;
}

const NOTHING: Noted = { offset: 0, head: Buffer.alloc(0), check: Buffer.alloc(0) };

/** The position after some more bytes. */
function after({ offset, head, check }: Noted, octets: Uint8Array): Noted {
  const last = octets.length >= CHECK_SIZE ? octets.subarray(-CHECK_SIZE) : Buffer.concat([check, octets]).subarray(-CHECK_SIZE);
  return {
    offset: offset + octets.length,
    head: head.length < CHECK_SIZE ? Buffer.concat([head, octets.subarray(0, CHECK_SIZE)]).subarray(0, CHECK_SIZE) : head,
    // A copy, since the caller reuses its buffer.
    check: Buffer.from(last),
  };
}

/** The result of one look at a file. */
export interface FileLook {
  /** New bytes. */
  readonly bytes: number;
  /** Bytes read from the file, including those that recognise it. */
  readonly readBytes: number;
  /** Set if the file was truncated or rewritten: the former read position. The next look reads it from its start. */
  readonly restarted: FileMark | undefined;
  readonly stat: BigIntStats;
}

/**
 * One growing file, read from where reading ended. It is open while it changes, so it may be renamed or removed. Otherwise it is closed, so
 * that its filesystem can be unmounted.
 */
export class TailedFile {
  readonly dev: bigint;
  readonly ino: bigint;
  #openFd: number | undefined;
  #noted: Noted = NOTHING;
  /** Size and times at the last look; -1 before the first. */
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
   * @returns undefined if it is not a regular file
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

  /** Whether it is closed. Until it wakes only its former state is known. */
  get isAtRest(): boolean {
    return this.#openFd === undefined;
  }

  /** Closes it until it is reopened by its path. */
  rest(): void {
    if (this.#openFd !== undefined) closeSync(this.#openFd);
    this.#openFd = undefined;
  }

  /** Reopens it. @returns false if the path leads to another file or cannot be opened */
  wake(path: Octets, opener: FileOpener): boolean {
    try {
      const fd = opener(path);
      if (this.isOf(fstatSync(fd, { bigint: true }))) {
        this.#openFd = fd;
        return true;
      }
      closeSync(fd);
    } catch {
      // The caller searches for it under other names.
    }
    return false;
  }

  /** Its stat at the last look; it belongs to the bytes read. */
  get lastStat(): BigIntStats {
    return this.#lastStat;
  }

  /** The read position in bytes. */
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

  /**
   * Whether this file begins with all bytes that were read of another. If the last ones are equal, it compares both files up to that
   * position.
   */
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

  /** Continues at the position of another file, whose bytes it begins with. */
  takeOver(other: TailedFile): void {
    this.#noted = other.#noted;
  }

  /** Continues where an earlier process ended. @returns false if the bytes before that position differ; then it is read from its start */
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

  /** Whether only one of head and check of a mark matches. A rewritten file matches neither, so this hints at a damaged mark. */
  isLike({ offset, check, head, headSize }: FileMark): boolean {
    const before = Buffer.alloc(Math.min(offset, CHECK_SIZE));
    const first = Buffer.alloc(headSize);
    const hasCheck = readFully(this.#fd, before, offset - before.length) === before.length && digestOf(before) === check;
    const hasHead = readFully(this.#fd, first, 0) === headSize && digestOf(first) === head;
    return hasCheck !== hasHead;
  }

  /** Starts again from the beginning. */
  readAgain(): void {
    this.#noted = NOTHING;
    this.#size = -1n;
  }

  /**
   * Continues after known bytes if the file begins with them, judged by the first and last ones.
   *
   * @param first - the first known bytes, at most {@link CHECK_SIZE}
   * @param last - the last known bytes, at most {@link CHECK_SIZE}
   * @param size - the number of known bytes
   * @returns whether the file begins with them
   */
  startsWith(first: Uint8Array, last: Uint8Array, size: number): boolean {
    const head = Buffer.from(first);
    const check = Buffer.from(last);
    if (this.stat().size < BigInt(size) || !this.#matches(head.length, head) || !this.#matches(size, check)) return false;
    this.#noted = { offset: size, check, head };
    return true;
  }

  /**
   * Reads what is new, up to the present size of the file. If the sink fails, its bytes are read again next time.
   *
   * @returns undefined if nothing changed since the last look
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
      // The file was truncated meanwhile: the next look notices.
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

  /** Whether size or times changed since the last look. */
  hasChanged(stat = this.stat()): boolean {
    return stat.size !== this.#size || stat.mtimeNs !== this.#mtimeNs || stat.ctimeNs !== this.#ctimeNs;
  }

  /** The first bytes, at most `most`. */
  firstOctets(most: number): Buffer {
    const octets = Buffer.alloc(most);
    return octets.subarray(0, readFully(this.#fd, octets, 0));
  }

  /** The number of unread bytes; 0 while it is closed. */
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

  /** Whether the bytes before `offset` are the expected ones. */
  #matches(offset: number, expected: Buffer): boolean {
    const found = Buffer.alloc(expected.length);
    return readFully(this.#fd, found, offset - expected.length) === expected.length && found.equals(expected);
  }
}

function digestOf(octets: Uint8Array): string {
  return createHash('sha256').update(octets).digest('hex');
}
