import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { errorCode } from '../../core/base/system/system-error.ts';
import { type WaitEnd, waitWritable } from '../../core/base/system/wait-writable.ts';

/** Octets that a writable pipe takes without blocking: a page on Linux, and PIPE_BUF of POSIX. */
const PIPE_PIECE = 4096;
/** Octets that a writable socket takes without blocking: it is writable once most of its buffer is free. A new one takes twice that. */
const SOCKET_PIECE = 16 * 1024;

/**
 * A descriptor for writes that do not wait for the reader. An ordinary write to a full pipe blocks until the reader takes
 * something, and the process handles no signal meanwhile.
 */
export class OutputFd {
  readonly #fd: number;
  /** Octets of one write when the descriptor is writable; undefined if writes never block. */
  readonly #piece: number | undefined;
  /** A descriptor opened here, if any. */
  readonly #own: number | undefined;
  /** Octets that may be written without a poll(2), which requires loading the C library. */
  #unasked: number;

  constructor(fd: number) {
    const kind = fstatSync(fd);
    const isPipe = kind.isFIFO() || isatty(fd);
    // A description of its own: the flag on the one at hand would hold for all processes that share it.
    const own = isPipe ? reopened(fd) : undefined;
    this.#own = own;
    this.#fd = own ?? fd;
    this.#unasked = kind.isSocket() ? 2 * SOCKET_PIECE : 0;
    this.#piece = own !== undefined ? undefined : isPipe ? PIPE_PIECE : kind.isSocket() ? SOCKET_PIECE : undefined;
  }

  /**
   * Writes what there is room for.
   *
   * @returns how many octets
   * @throws the system's error: EPIPE if the reader has closed
   */
  write(data: Uint8Array): number {
    let done = 0;
    while (done < data.length) {
      const size = Math.min(this.#piece ?? data.length, data.length - done);
      if (this.#piece !== undefined && size > this.#unasked && this.wait(0) !== 'room') break;
      this.#unasked = Math.max(0, this.#unasked - size);
      try {
        done += writeSync(this.#fd, data, done, size);
      } catch (error) {
        if (errorCode(error) !== 'EAGAIN') throw error;
        break;
      }
    }
    return done;
  }

  /** Waits until there is room. @param ms - at most so long; less than 0 for as long as it takes */
  wait(ms: number): WaitEnd {
    return waitWritable(this.#fd, ms);
  }

  /** Closes its own descriptor; the given one stays open. */
  close(): void {
    if (this.#own !== undefined) closeSync(this.#own);
  }
}

/** The same pipe or terminal, opened non-blocking; undefined if that fails. */
function reopened(fd: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return undefined;
  }
}
