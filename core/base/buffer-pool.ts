/**
 * Reuses buffers of one size. With a new buffer for each megabyte, the garbage collector ran a hundred times per gigabyte. That took a
 * sixth of the time of sender and receiver.
 */
export class BufferPool {
  readonly #size: number;
  readonly #most: number;
  readonly #free: Buffer[] = [];

  /**
   * @param size - bytes of each buffer
   * @param most - unused buffers kept, at most
   */
  constructor(size: number, most: number) {
    this.#size = size;
    this.#most = most;
  }

  /**
   * Returns a buffer of at least `size` bytes, with any content. It need not be given back.
   *
   * @returns a buffer of the pool if `size` is between a quarter and all of the pool's size; else new memory
   */
  take(size: number): Buffer {
    if (!this.#fits(size)) return Buffer.allocUnsafeSlow(size);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#size);
  }

  /** Gives back a buffer that nobody uses any more. The pool drops it if it has another size, or if the pool is full. */
  give(buffer: Buffer): void {
    if (buffer.length === this.#size && this.#free.length < this.#most) this.#free.push(buffer);
  }

  #fits(size: number): boolean {
    return size <= this.#size && size * 4 >= this.#size;
  }
}
