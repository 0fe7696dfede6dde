import type { ServerResponse } from 'node:http';

/** Bytes of an answer that are not counted: there are as many at most as connections. */
const MAX_UNCOUNTED = 64 * 1024;
/** Bytes that wait for their clients in memory. */
const MAX_SIZE = 64 * 1024 * 1024;

/**
 * What was given whole to connections, and is held until their clients have taken it. It keeps within a size, so that many who ask for
 * large contents and take them slowly hold no more. Others get theirs piece by piece.
 */
export class LentBytes {
  readonly #maxSize: number;
  /** Several answers may hold the same. */
  readonly #uses = new Map<Uint8Array, number>();
  #size = 0;

  /** @param maxSize - bytes; default 64 MiB */
  constructor(maxSize = MAX_SIZE) {
    this.#maxSize = maxSize;
  }

  /** Counts what an answer is to hold until it has ended. @returns whether it may */
  reserve(size: number, response: ServerResponse): boolean {
    if (size <= MAX_UNCOUNTED) return true;
    if (this.#size + size > this.#maxSize) return false;
    this.#size += size;
    response.once('close', () => {
      this.#size -= size;
    });
    return true;
  }

  /** The same for bytes that other answers may hold too. */
  lend(bytes: Uint8Array, response: ServerResponse): boolean {
    if (bytes.length <= MAX_UNCOUNTED) return true;
    const uses = this.#uses.get(bytes) ?? 0;
    if (uses === 0 && this.#size + bytes.length > this.#maxSize) return false;
    if (uses === 0) this.#size += bytes.length;
    this.#uses.set(bytes, uses + 1);
    response.once('close', () => this.#returned(bytes));
    return true;
  }

  #returned(bytes: Uint8Array): void {
    const uses = (this.#uses.get(bytes) ?? 0) - 1;
    if (uses > 0) {
      this.#uses.set(bytes, uses);
      return;
    }
    this.#uses.delete(bytes);
    this.#size -= bytes.length;
  }
}
