import type { Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { VtError } from '../../core/base/errors.ts';
import { errorCode, errorReason } from '../../core/base/system/system-error.ts';
import { OutputFd } from './output-fd.ts';

/** A destination of bytes. `write` may buffer them; `flush` passes them on. */
export interface Sink {
  write(data: Uint8Array): void;
  /** Resolves when the reader takes more. Rejects if writing fails; a closed reader is not an error. */
  flush(): Promise<void>;
  /** Closes it; nothing may be written afterwards. */
  close(): Promise<void>;
}

/** Bytes buffered, at most, so that many short lines take few system calls: 64 KiB is a pipe's capacity. */
const HELD_BYTES = 64 * 1024;

/** Milliseconds between two checks of a blocked reader; signals are handled in between. */
const LOOK_MS = 20;
/** Milliseconds that a reader has for the rest when a signal ends the session. */
const LAST_MS = 300;

/** Whether writes still wait for the reader. */
export interface Patience {
  /** The running command was cancelled: do not wait for its reader. */
  readonly isCancelled: boolean;
  /** The session ends: data that its reader does not take soon is dropped. */
  readonly isLeaving: boolean;
}

export interface FdSinkOptions {
  /** Called once, when the reader has closed (EPIPE); later data is dropped. */
  readonly onClosed?: () => void;
  /** Its name in an error of a write; without one, its opener reports the error. */
  readonly name?: string;
  /** Called before each system call: erases the progress line from the terminal. */
  readonly beforeWrite?: () => void;
  /** Default: waits for the reader without limit. */
  readonly patience?: Patience;
}

/**
 * A sink over a file descriptor. Data that fits is written before a call returns, so output before a crash is not lost. A reader
 * that takes nothing blocks the writer, but not the handling of signals.
 */
export class FdSink implements Sink {
  readonly #fd: OutputFd;
  readonly #options: FdSinkOptions;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #isClosed = false;
  #isScheduled = false;
  /** A signal came during a wait for the reader: its listener runs first. */
  #isCalled = false;
  #leavingSinceMs: number | undefined;
  /** Error of an earlier write in the background; thrown by the next call. */
  #error: unknown;

  constructor(fd: number, options: FdSinkOptions = {}) {
    this.#fd = new OutputFd(fd);
    this.#options = options;
  }

  write(data: Uint8Array): void {
    if (this.#isClosed || data.length === 0) return;
    const isLarge = data.length >= HELD_BYTES;
    if (this.#heldBytes >= HELD_BYTES) this.#handOnAll();
    // Large pieces are not copied where there is room for them. Their writer flushes after each.
    const done = isLarge && this.#handOn() ? this.#writeNow(data) : 0;
    if (done < data.length) this.#hold(data.slice(done));
    if (!isLarge && this.#heldBytes >= HELD_BYTES) this.#handOnAll();
    // The lines of a slow command appear as they come.
    if (this.#heldBytes > 0) this.#schedule(0);
  }

  /** Writes a message at once. A closed reader is ignored. */
  say(text: string): void {
    try {
      this.write(Buffer.from(text));
      this.#handOn();
    } catch {
      this.#drop();
    }
  }

  async flush(): Promise<void> {
    if (this.#error !== undefined) throw this.#error;
    const { patience } = this.#options;
    while (!this.#handOn()) {
      // Signals are handled between two checks.
      if (patience?.isLeaving === true) {
        this.#leavingSinceMs ??= performance.now();
        if (performance.now() - this.#leavingSinceMs > LAST_MS) this.#drop();
      } else if (patience?.isCancelled === true) throw new VtError('ECANCELLED', 'cancelled');
      this.#fd.wait(LOOK_MS);
      await pause(0);
    }
  }

  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      this.#isClosed = true;
      this.#fd.close();
    }
  }

  #hold(data: Uint8Array): void {
    this.#held.push(data);
    this.#heldBytes += data.length;
  }

  #drop(): void {
    this.#held = [];
    this.#heldBytes = 0;
    this.#isClosed = true;
  }

  /** Writes the buffer in the next turn, and retries later if it did not fit. */
  #schedule(ms: number): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const goOn = (): void => {
      this.#isScheduled = false;
      try {
        if (!this.#handOn()) this.#schedule(LOOK_MS);
      } catch (error) {
        this.#error ??= error;
        this.#isClosed = true;
      }
    };
    if (ms === 0) setImmediate(goOn);
    else setTimeout(goOn, ms).unref();
  }

  /** Writes the buffer, however long the reader takes. If a signal comes, the rest waits until it is handled. */
  #handOnAll(): void {
    while (!this.#isCalled && !this.#handOn()) {
      if (this.#fd.wait(-1) !== 'called') continue;
      this.#isCalled = true;
      setTimeout(() => {
        this.#isCalled = false;
      }, 1).unref();
    }
  }

  /** Writes as much of the buffer as fits. @returns whether that was all */
  #handOn(): boolean {
    if (this.#heldBytes === 0) return true;
    const data = this.#held.length === 1 ? (this.#held[0] as Uint8Array) : Buffer.concat(this.#held);
    const done = this.#writeNow(data);
    this.#held = done < data.length ? [data.subarray(done)] : [];
    this.#heldBytes = data.length - done;
    return this.#heldBytes === 0;
  }

  /** @returns octets written, or dropped because the reader has closed */
  #writeNow(data: Uint8Array): number {
    if (this.#isClosed) return data.length;
    const { beforeWrite, onClosed, name } = this.#options;
    beforeWrite?.();
    try {
      return this.#fd.write(data);
    } catch (error) {
      if (errorCode(error) === 'EPIPE') {
        this.#isClosed = true;
        onClosed?.();
        return data.length;
      }
      if (name === undefined) throw error;
      throw new VtError('EFAILED', `write "${name}": ${errorReason(error)}`, { cause: error });
    }
  }
}

/** A sink over a stream, such as the stdin of a local command. A closed reader is not an error. */
export class StreamSink implements Sink {
  readonly #stream: Writable;
  #error: Error | undefined;
  #isGone = false;

  constructor(stream: Writable, onGone: () => void) {
    this.#stream = stream;
    stream.on('error', (error) => {
      if (errorCode(error) === 'EPIPE' || errorCode(error) === 'ERR_STREAM_DESTROYED') this.#isGone = true;
      else this.#error = error;
      onGone();
    });
    // Whether a closed reader shows as an error depends on timing.
    stream.on('close', () => {
      this.#isGone = true;
      onGone();
    });
  }

  write(data: Uint8Array): void {
    if (!this.#isGone && this.#error === undefined) this.#stream.write(data.slice());
  }

  async flush(): Promise<void> {
    if (this.#error !== undefined) throw this.#error;
    if (this.#isGone || !this.#stream.writableNeedDrain) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#stream.off('drain', done);
        this.#stream.off('close', done);
        this.#stream.off('error', done);
        resolve();
      };
      this.#stream.on('drain', done).on('close', done).on('error', done);
    });
  }

  async close(): Promise<void> {
    this.#stream.end();
    if (this.#error !== undefined) throw this.#error;
  }
}
