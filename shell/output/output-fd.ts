import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { errorCode } from '../../core/base/system/system-error.ts';
import { type WaitEnd, waitWritable } from '../../core/base/system/wait-writable.ts';

/** What a pipe that has room at all takes without waiting: Linux keeps pages, and POSIX says so of PIPE_BUF. */
const PIPE_PIECE = 4096;
/** What a socket that has room takes without waiting: it says so once most of its buffer is free. A new one takes twice that unasked. */
const SOCKET_PIECE = 16 * 1024;

/**
 * A descriptor that is written to without waiting for its reader. An ordinary write to a full pipe lasts until the reader takes
 * something, and the process hears no signal meanwhile.
 */
export class OutputFd {
  readonly #fd: number;
  /** Bytes that one write may have once there is room; undefined where a write never waits. */
  readonly #piece: number | undefined;
  /** Opened here. */
  readonly #own: number | undefined;
  /** Bytes that are written without asking: to ask takes the C library, which few short runs need. */
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
   * @returns how many bytes
   * @throws what the system says: EPIPE where nobody reads any more
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

  /** Ends it; the descriptor that was given stays open. */
  close(): void {
    if (this.#own !== undefined) closeSync(this.#own);
  }
}

/** The same pipe or terminal, where writes do not wait; undefined where it cannot be opened so. */
function reopened(fd: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return undefined;
  }
}
