import { writeSync, writevSync } from 'node:fs';
import { constants } from 'node:os';
import { errorCode } from '../../core/base/system/system-error.ts';
import { OUT_HEADER_SIZE } from './abi.ts';
import type { Request } from './request.ts';

/** Octets of the largest reply composed in `scratch`; content and listings have their own buffers. */
const SCRATCH_SIZE = 4096;

/** Octets of a borrowed buffer, at least: the C library's size for reading a Dir. And the number of buffers kept. */
const LENT_SIZE = 64 * 1024;
const MAX_LENT = 4;

/** Pieces that one system call takes besides the header: IOV_MAX of Linux, minus one. */
const MAX_PIECES = 1023;

/** Errors of replies that no process waits for: the client was killed, or the mount has ended. */
const NOBODY_WAITS = ['ENOENT', 'ENODEV', 'EBADF'];

/** Sends replies to the kernel: each is one system call, which never blocks. */
export class Replies {
  readonly #fd: number;
  /** A reply is composed from OUT_HEADER_SIZE on; the code that fills the buffer sends it before anything else runs. */
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

  /** Sends nothing from now on: another file may get the descriptor's number. */
  end(): void {
    this.#ended = true;
  }

  /** A buffer for a longer reply that is composed over time. Reusing buffers saves the garbage collector work. */
  borrow(size: number): Buffer {
    const last = this.#lent.pop();
    return last !== undefined && last.length >= size ? last : Buffer.allocUnsafeSlow(Math.max(size, LENT_SIZE));
  }

  /** Takes back a buffer whose reply was sent. */
  giveBack(buffer: Buffer): void {
    if (this.#lent.length < MAX_LENT) this.#lent.push(buffer);
  }

  /** Sends the contents of `scratch` up to `end`. */
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

  /** Sends an empty reply. */
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
      // No other reply can be sent.
    }
  }

  #send(request: Request, reply: Buffer, end: number): void {
    putHeader(reply, request, end, 0);
    this.#write(request, () => writeSync(this.#fd, reply, 0, end));
  }

  /** Sends a reply. If the kernel refuses it, an error is sent instead: otherwise the caller would wait forever. */
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
