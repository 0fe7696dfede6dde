/** Bytes from which on a piece is kept as it came. */
const LARGE_SIZE = 16 * 1024;
/** Bytes of memory that small pieces are copied to together. */
const TOGETHER_SIZE = 64 * 1024;

/**
 * The bytes of an answer as they come. A server may send each byte by itself, and a Buffer of one takes 300: small pieces are copied to
 * where others are.
 */
export class GatheredBody {
  readonly #pieces: Uint8Array[] = [];
  #together: Buffer | undefined;
  #used = 0;
  #size = 0;
  /** Where its size is known before: all of it in one place. */
  #whole: Buffer | undefined;

  /**
   * @param expectedSize - bytes that it has, as far as is known; undefined or wrong costs a copy more
   * @param roomFor - memory for at least so many; default new memory
   */
  constructor(expectedSize?: number, roomFor: (size: number) => Buffer = (size) => Buffer.allocUnsafeSlow(size)) {
    if (expectedSize !== undefined && expectedSize >= LARGE_SIZE) this.#whole = roomFor(expectedSize).subarray(0, expectedSize);
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  add(piece: Uint8Array): void {
    const at = this.#size;
    this.#size += piece.length;
    if (this.#whole !== undefined) {
      if (this.#size <= this.#whole.length) {
        this.#whole.set(piece, at);
        return;
      }
      this.#pieces.push(this.#whole.subarray(0, at));
      this.#whole = undefined;
    }
    if (piece.length >= LARGE_SIZE) {
      this.#end();
      this.#pieces.push(piece);
      return;
    }
    if (this.#together !== undefined && this.#used + piece.length > TOGETHER_SIZE) this.#end();
    this.#together ??= Buffer.allocUnsafe(TOGETHER_SIZE);
    this.#together.set(piece, this.#used);
    this.#used += piece.length;
  }

  /** All of them, as one. */
  take(): Buffer {
    if (this.#whole !== undefined) return this.#whole.subarray(0, this.#size);
    this.#end();
    return Buffer.concat(this.#pieces.splice(0), this.#size);
  }

  /** Keeps what was copied: with the memory that it is in, unless that is mostly empty. */
  #end(): void {
    if (this.#together === undefined || this.#used === 0) return;
    const copied = this.#together.subarray(0, this.#used);
    const isMostlyEmpty = this.#used < TOGETHER_SIZE / 2;
    this.#pieces.push(isMostlyEmpty ? Buffer.from(copied) : copied);
    if (!isMostlyEmpty) this.#together = undefined;
    this.#used = 0;
  }
}
