import { closeSync, openSync } from 'node:fs';

/** Keeps files open for reading, up to a limit. If there are too many, the file that was opened first is closed. */
export class OpenFiles {
  readonly #max: number;
  readonly #fds = new Map<string, number>();

  /** @param max - most that are open at a time */
  constructor(max: number) {
    this.#max = max;
  }

  /** The descriptor of a file; valid until the next call. @throws the system's error */
  open(file: string): number {
    const known = this.#fds.get(file);
    if (known !== undefined) return known;
    for (const [oldest, fd] of this.#fds) {
      if (this.#fds.size < this.#max) break;
      closeSync(fd);
      this.#fds.delete(oldest);
    }
    const fd = openSync(file, 'r');
    this.#fds.set(file, fd);
    return fd;
  }

  /** Closes all. */
  [Symbol.dispose](): void {
    for (const fd of this.#fds.values()) closeSync(fd);
    this.#fds.clear();
  }
}
