import { closeSync, constants, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { libc } from '../../../core/base/system/libc.ts';

/** Bytes up to which a front is kept in memory: most files are smaller, and never need a file here. */
const MAX_MEMORY_SIZE = 64 * 1024;

/** Octets of all fronts in memory, at most; further fronts go to files at once. */
const MAX_MEMORY_TOTAL = 64 * 1024 * 1024;

/** O_TMPFILE of Linux: a file that never has a name. */
const O_TMPFILE = 0o20200000;

/** The folder of a mount's fronts: they are files without names, so a killed process leaves none. */
export class FrontFolder {
  readonly #folder: string;
  #inMemory = 0;
  #made = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Whether a front of this many bytes may be in memory; it is counted then. */
  take(octets: number): boolean {
    if (this.#inMemory + octets > MAX_MEMORY_TOTAL) return false;
    this.#inMemory += octets;
    return true;
  }

  /** Whether half of the memory for fronts is in use. */
  get isHalfFull(): boolean {
    return this.#inMemory > MAX_MEMORY_TOTAL / 2;
  }

  give(octets: number): void {
    this.#inMemory -= octets;
  }

  /** A new file without a name: one descriptor to write, one to read. */
  open(): { readonly writeFd: number; readonly readFd: number } {
    if (process.platform === 'linux') {
      try {
        const writeFd = openSync(this.#folder, constants.O_WRONLY | O_TMPFILE, 0o600);
        return { writeFd, readFd: openSync(`/proc/self/fd/${writeFd}`, constants.O_RDONLY) };
      } catch {
        // Not every filesystem supports files without names.
      }
    }
    const path = join(this.#folder, `front-${process.pid}-${this.#made++}`);
    const writeFd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    const readFd = openSync(path, constants.O_RDONLY);
    unlinkSync(path);
    return { writeFd, readFd };
  }
}

/** Bytes written to a file since its content was last settled, at their own offsets: in memory while they are few, else in a file. */
export class FrontStorage {
  readonly #folder: FrontFolder;
  #memory: Buffer | undefined;
  #files: { readonly writeFd: number; readonly readFd: number } | undefined;

  constructor(folder: FrontFolder) {
    this.#folder = folder;
  }

  /** Writes at an offset. */
  write(data: Uint8Array, offset: number): void {
    const end = offset + data.length;
    if (this.#files === undefined && !this.#fits(end)) this.#spill();
    if (this.#files === undefined) this.#memory?.set(data, offset);
    else for (let done = 0; done < data.length; ) done += writeSync(this.#files.writeFd, data, done, data.length - done, offset + done);
  }

  /** Bytes that were written at `start` to `end`. */
  read(start: number, end: number): Uint8Array {
    const out = Buffer.allocUnsafe(end - start);
    if (this.#files === undefined) {
      out.fill(0);
      this.#memory?.copy(out, 0, start, end);
      return out;
    }
    let done = 0;
    for (let got = -1; done < out.length && got !== 0; done += got) {
      got = readSync(this.#files.readFd, out, done, out.length - done, start + done);
    }
    return out.fill(0, done);
  }

  /** Octets `start` to `end` are no longer needed. */
  drop(start: number, end: number): void {
    if (this.#files !== undefined) libc().punchHole(this.#files.writeFd, start, end - start);
  }

  /** Octets from `size` on are no longer needed. */
  truncate(size: number): void {
    if (this.#files !== undefined) ftruncateSync(this.#files.writeFd, size);
  }

  close(): void {
    if (this.#memory !== undefined) this.#folder.give(this.#memory.length);
    this.#memory = undefined;
    if (this.#files === undefined) return;
    closeSync(this.#files.writeFd);
    closeSync(this.#files.readFd);
    this.#files = undefined;
  }

  #fits(end: number): boolean {
    const present = this.#memory?.length ?? 0;
    if (end <= present) return true;
    if (end > MAX_MEMORY_SIZE) return false;
    const wanted = Math.max(4096, 2 ** Math.ceil(Math.log2(end)));
    if (!this.#folder.take(wanted - present)) return false;
    const grown = Buffer.alloc(wanted);
    this.#memory?.copy(grown);
    this.#memory = grown;
    return true;
  }

  #spill(): void {
    const files = this.#folder.open();
    const memory = this.#memory;
    if (memory !== undefined) {
      writeSync(files.writeFd, memory, 0, memory.length, 0);
      this.#folder.give(memory.length);
      this.#memory = undefined;
    }
    this.#files = files;
  }
}
