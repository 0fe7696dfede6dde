/** Pieces of at least this many bytes are kept as they are. */
const LARGE_SIZE = 16 * 1024;
/** Bytes of the buffers into which small pieces are copied. */
const TOGETHER_SIZE = 64 * 1024;

/**
 * Collects the bytes of an answer. A server may send single bytes, and a Buffer of one byte takes 300, so small pieces are copied together.
 */
export class GatheredBody {
  readonly #pieces: Uint8Array[] = [];
  #together: Buffer | undefined;
  #used = 0;
  #size = 0;
  /** One buffer for everything, if the size is known in advance. */
  #whole: Buffer | undefined;

  /**
   * @param expectedSize - its bytes, if known; undefined or wrong costs one more copy
   * @param roomFor - gives memory for at least that many bytes; default: new memory
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

  /** Joins all bytes. */
  take(): Buffer {
    if (this.#whole !== undefined) return this.#whole.subarray(0, this.#size);
    this.#end();
    return Buffer.concat(this.#pieces.splice(0), this.#size);
  }

  /** Ends the present buffer: it is kept itself, or copied if it is mostly empty. */
  #end(): void {
    if (this.#together === undefined || this.#used === 0) return;
    const copied = this.#together.subarray(0, this.#used);
    const isMostlyEmpty = this.#used < TOGETHER_SIZE / 2;
    this.#pieces.push(isMostlyEmpty ? Buffer.from(copied) : copied);
    if (!isMostlyEmpty) this.#together = undefined;
    this.#used = 0;
  }
}
