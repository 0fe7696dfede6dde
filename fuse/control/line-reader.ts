/** Lines of UTF-8 out of chunks as they come; a line has a limit, and so has what is held. */
export class LineReader {
  readonly #maxSize: number;
  #held: Buffer[] = [];
  #size = 0;

  /** @param maxSize - bytes of a line at most, without its newline */
  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  /** The lines that a chunk completes, empty ones left out; undefined once a line is too long, and from then on. */
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
