/** Splits incoming chunks into lines of UTF-8. Lines, and thus the memory held, have a maximum size. */
export class LineReader {
  readonly #maxSize: number;
  #held: Buffer[] = [];
  #size = 0;

  /** @param maxSize - octets of a line, at most, without its newline */
  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  /** The non-empty lines that a chunk completes. Returns undefined for a line that is too long, and for every later chunk. */
  take(chunk: Buffer): string[] | undefined {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      if (!this.#hold(chunk.subarray(start, end))) return undefined;
      const line = Buffer.concat(this.#held, this.#size).toString('utf8').trim();
      this.#held = [];
      this.#size = 0;
      if (line !== '') lines.push(line);
      start = end + 1;
    }
    return this.#hold(Buffer.from(chunk.subarray(start))) ? lines : undefined;
  }

  #hold(part: Buffer): boolean {
    this.#size += part.length;
    if (this.#size > this.#maxSize) return false;
    if (part.length > 0) this.#held.push(part);
    return true;
  }
}
