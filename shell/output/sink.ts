import { closeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { VtError } from '../../core/base/errors.ts';
import { errorCode, errorReason } from '../../core/base/system/system-error.ts';
import { writeWhole } from './write-whole.ts';

/** Where bytes go. `write` may hold them back; `flush` hands them on. */
export interface Sink {
  write(data: Uint8Array): void;
  /** Resolves when the other end takes more. Rejects where it cannot be written to; a reader that has gone is no error. */
  flush(): Promise<void>;
  /** Ends it; nothing may be written afterwards. */
  close(): Promise<void>;
}

/** Held back at most, so that many short lines cost few system calls: 64 KiB is a pipe's capacity. */
const HELD_BYTES = 64 * 1024;

/**
 * A sink over a file descriptor, written synchronously and in order: output of a program that dies next is not lost.
 *
 * @param onClosed - called once, when nobody reads any more (EPIPE); what follows is dropped
 * @param name - what it is called where it cannot be written to; without one, whoever opened it tells
 * @param beforeWrite - called before each system call: takes a frame of progress off the terminal
 */
export class FdSink implements Sink {
  readonly #fd: number;
  readonly #onClosed: () => void;
  readonly #ownsFd: boolean;
  readonly #name: string | undefined;
  readonly #beforeWrite: (() => void) | undefined;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #isClosed = false;
  #isScheduled = false;
  /** Of a write that nobody waited for; thrown by the next call. */
  #error: unknown;

  constructor(fd: number, onClosed: () => void = () => {}, ownsFd = false, name?: string, beforeWrite?: () => void) {
    this.#fd = fd;
    this.#onClosed = onClosed;
    this.#ownsFd = ownsFd;
    this.#name = name;
    this.#beforeWrite = beforeWrite;
  }

  write(data: Uint8Array): void {
    if (this.#isClosed || data.length === 0) return;
    if (data.length >= HELD_BYTES) {
      this.#writeHeld();
      this.#writeNow(data);
      return;
    }
    this.#held.push(data.slice());
    this.#heldBytes += data.length;
    if (this.#heldBytes >= HELD_BYTES) this.#writeHeld();
    else if (!this.#isScheduled) {
      // A slow command's lines are seen as they come.
      this.#isScheduled = true;
      setImmediate(() => {
        this.#isScheduled = false;
        try {
          this.#writeHeld();
        } catch (error) {
          this.#error ??= error;
          this.#isClosed = true;
        }
      });
    }
  }

  async flush(): Promise<void> {
    if (this.#error !== undefined) throw this.#error;
    this.#writeHeld();
  }

  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      this.#isClosed = true;
      if (this.#ownsFd) closeSync(this.#fd);
    }
  }

  #writeHeld(): void {
    if (this.#heldBytes === 0) return;
    const data = this.#held.length === 1 ? this.#held[0] : Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    if (data !== undefined) this.#writeNow(data);
  }

  #writeNow(data: Uint8Array): void {
    if (this.#isClosed) return;
    this.#beforeWrite?.();
    try {
      writeWhole(this.#fd, data);
    } catch (error) {
      if (errorCode(error) === 'EPIPE') {
        this.#isClosed = true;
        this.#onClosed();
      } else if (this.#name === undefined) throw error;
      else throw new VtError('EFAILED', `write "${this.#name}": ${errorReason(error)}`, { cause: error });
    }
  }
}

/** A sink over a stream, such as the stdin of a local command. A reader that has gone is no error. */
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
    // Whether a reader that goes shows by an error is a matter of who is first.
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
