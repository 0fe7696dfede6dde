import { readSync } from 'node:fs';

/** Bytes read at a time. */
export const WINDOW_SIZE: number = 1024 * 1024;

/** A buffer that slides over a file: few reads of much, for many looks at little. Views are valid until the next call. */
export class FileWindow {
  readonly #fd: number;
  readonly #end: number;
  readonly #buffer = Buffer.allocUnsafeSlow(WINDOW_SIZE);
  #start = 0;
  #length = 0;

  constructor(fd: number, end: number) {
    this.#fd = fd;
    this.#end = end;
  }

  /** `size` bytes at `offset`, fewer at the end of the file; size <= WINDOW_SIZE. */
  at(offset: number, size: number): Buffer {
    const wanted = Math.min(size, this.#end - offset);
    if (offset < this.#start || offset + wanted > this.#start + this.#length) this.#fill(offset);
    return this.#buffer.subarray(offset - this.#start, Math.min(offset - this.#start + wanted, this.#length));
  }

  /** At least one and at most `size` bytes at `offset`; none at the end of the file. */
  some(offset: number, size: number): Buffer {
    if (offset < this.#start || offset >= this.#start + this.#length) this.#fill(offset);
    const from = offset - this.#start;
    return this.#buffer.subarray(from, Math.min(from + size, this.#length));
  }

  /** `size` bytes at `offset` in new memory, fewer at the end of the file. */
  copy(offset: number, size: number): Buffer {
    const out = Buffer.allocUnsafeSlow(size);
    let done = 0;
    while (done < size) {
      const part = this.some(offset + done, size - done);
      if (part.length === 0) break;
      part.copy(out, done);
      done += part.length;
    }
    return out.subarray(0, done);
  }

  #fill(offset: number): void {
    this.#start = offset;
    this.#length = 0;
    const wanted = Math.min(WINDOW_SIZE, this.#end - offset);
    while (this.#length < wanted) {
      const count = readSync(this.#fd, this.#buffer, this.#length, wanted - this.#length, offset + this.#length);
      if (count === 0) return;
      this.#length += count;
    }
  }
}
