import type { ServerResponse } from 'node:http';

/** Answers of up to this many bytes are not counted; their number is limited by that of connections. */
const MAX_UNCOUNTED = 64 * 1024;
/** Bytes of counted answers in memory, at most. */
const MAX_SIZE = 64 * 1024 * 1024;

/**
 * Counts answers that were passed to connections completely and stay in memory until their clients have received them. The limit protects
 * against many slow clients with large contents. Beyond it, answers are sent piece by piece.
 */
export class LentBytes {
  readonly #maxSize: number;
  /** How many answers hold the same bytes. */
  readonly #uses = new Map<Uint8Array, number>();
  #size = 0;

  /** @param maxSize - in bytes; default 64 MiB */
  constructor(maxSize = MAX_SIZE) {
    this.#maxSize = maxSize;
  }

  /** Counts bytes that an answer will hold until it ends. @returns whether they are within the limit */
  reserve(size: number, response: ServerResponse): boolean {
    if (size <= MAX_UNCOUNTED) return true;
    if (this.#size + size > this.#maxSize) return false;
    this.#size += size;
    response.once('close', () => {
      this.#size -= size;
    });
    return true;
  }

  /** As {@link LentBytes.reserve}, for bytes that several answers may share. */
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
