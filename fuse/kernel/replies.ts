import { writeSync, writevSync } from 'node:fs';
import { constants } from 'node:os';
import { errorCode } from '../../core/base/system/system-error.ts';
import { OUT_HEADER_SIZE } from './abi.ts';
import type { Request } from './request.ts';

/** Bytes of the largest reply that is put together here; content and listings come in buffers of their own. */
const SCRATCH_SIZE = 4096;

/** Bytes of a buffer that is lent, at least: what the C library reads a Dir with; and how many are kept. */
const LENT_SIZE = 64 * 1024;
const MAX_LENT = 4;

/** Pieces that one system call takes besides the header: IOV_MAX of Linux, less one. */
const MAX_PIECES = 1023;

/** Nobody waits for a reply any more: who asked was killed, or the mount is gone. */
const NOBODY_WAITS = ['ENOENT', 'ENODEV', 'EBADF'];

/** The way back to the kernel: each reply is one system call, which never waits. */
export class Replies {
  readonly #fd: number;
  /** A reply is put together from OUT_HEADER_SIZE on; the code that fills it sends it before anything else runs. */
  readonly scratch: Buffer = Buffer.alloc(SCRATCH_SIZE);
  readonly #lent: Buffer[] = [];
  readonly #header: Buffer = Buffer.alloc(OUT_HEADER_SIZE);
  readonly #onRefused: (request: Request, error: unknown) => void;
  #ended = false;

  /** @param onRefused - called with a reply that the kernel refuses: the caller gets EIO */
  constructor(fd: number, onRefused: (request: Request, error: unknown) => void) {
    this.#fd = fd;
    this.#onRefused = onRefused;
  }

  /** Sends nothing from now on: the descriptor's number may become another file's. */
  end(): void {
    this.#ended = true;
  }

  /** A buffer for a longer reply that is not put together at once: a new one each time would keep the garbage collector busy. */
  borrow(size: number): Buffer {
    const last = this.#lent.pop();
    return last !== undefined && last.length >= size ? last : Buffer.allocUnsafeSlow(Math.max(size, LENT_SIZE));
  }

  /** Takes back a buffer whose reply was sent. */
  giveBack(buffer: Buffer): void {
    if (this.#lent.length < MAX_LENT) this.#lent.push(buffer);
  }

  /** Sends what is in `scratch` up to `end`. */
  scratched(request: Request, end: number): void {
    this.#send(request, this.scratch, end);
  }

  /** Sends a buffer whose first OUT_HEADER_SIZE bytes are free for the header. */
  whole(request: Request, reply: Buffer, end: number): void {
    this.#send(request, reply, end);
  }

  /** Sends pieces of content. */
  pieces(request: Request, pieces: readonly Uint8Array[]): void {
    let length = OUT_HEADER_SIZE;
    for (const piece of pieces) length += piece.length;
    if (pieces.length > MAX_PIECES) this.#joined(request, pieces, length);
    else {
      putHeader(this.#header, request, length, 0);
      this.#write(request, () => writevSync(this.#fd, [this.#header, ...pieces]));
    }
  }

  #joined(request: Request, pieces: readonly Uint8Array[], length: number): void {
    const reply = this.borrow(length);
    let at = OUT_HEADER_SIZE;
    for (const piece of pieces) {
      reply.set(piece, at);
      at += piece.length;
    }
    this.whole(request, reply, length);
    this.giveBack(reply);
  }

  /** Done, with nothing to tell. */
  empty(request: Request): void {
    this.#send(request, this.scratch, OUT_HEADER_SIZE);
  }

  /** @param errno - positive */
  error(request: Request, errno: number): void {
    if (this.#ended) return;
    putHeader(this.scratch, request, OUT_HEADER_SIZE, -errno);
    try {
      writeSync(this.#fd, this.scratch, 0, OUT_HEADER_SIZE);
    } catch {
      // There is nothing else to say.
    }
  }

  #send(request: Request, reply: Buffer, end: number): void {
    putHeader(reply, request, end, 0);
    this.#write(request, () => writeSync(this.#fd, reply, 0, end));
  }

  /** Sends a reply. One that the kernel refuses becomes an error: otherwise the caller would wait for ever. */
  #write(request: Request, send: () => number): void {
    if (this.#ended) return;
    try {
      send();
    } catch (error) {
      if (NOBODY_WAITS.includes(errorCode(error) ?? '')) return;
      this.#onRefused(request, error);
      this.error(request, constants.errno.EIO);
    }
  }
}

function putHeader(reply: Buffer, request: Request, length: number, error: number): void {
  reply.writeUInt32LE(length, 0);
  reply.writeInt32LE(error, 4);
  reply.writeUInt32LE(request.uniqueLow, 8);
  reply.writeUInt32LE(request.uniqueHigh, 12);
}
