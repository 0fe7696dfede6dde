import { closeSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { readFully } from '../../base/system/read-fully.ts';
import { openStoreFile } from '../../base/system/store-files.ts';
import type { HashFunction } from '../../block/hash.ts';
import { type FindFrame, UnpackedFrames } from '../../store/records/frame.ts';
import { hashOfDatafile } from './file-hash.ts';

/** Most .vtd files held open for reading. */
const MAX_OPEN_FILES = 64;
/** Frames kept unpacked: 1 MiB. */
const MAX_KEPT_FRAMES = 8;

/** Read-only descriptors of .vtd files: each opened once, the one unused for longest closed when there are too many. */
export class DatafileReaders {
  readonly #folder: string;
  /** In the order of use, the latest last. */
  readonly #open = new Map<string, number>();
  /** The hash functions of files that were asked for: a file keeps its own. */
  readonly #hashes = new Map<string, HashFunction>();
  readonly #frames = new UnpackedFrames<string>(MAX_KEPT_FRAMES);
  #lastName = '';
  #lastPath = '';

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The path of a file, for messages and other readers. */
  path(name: string): string {
    // Asked for every Block of an export, of which most are in one file: joining took 1 µs each.
    if (name !== this.#lastName || this.#lastPath === '') {
      this.#lastName = name;
      this.#lastPath = join(this.#folder, name);
    }
    return this.#lastPath;
  }

  /**
   * Reads bytes of a file, in new memory. Fewer come back where the file ends before them.
   *
   * @throws the system's error, ENOENT where there is no such file
   */
  read(name: string, offset: number, size: number): Buffer {
    // Below 4 KiB a view of Node's shared pool is quicker; above it would keep the pool alive for no gain.
    const out = size < 4096 ? Buffer.allocUnsafe(size) : Buffer.allocUnsafeSlow(size);
    const fd = this.#descriptor(name);
    let done = 0;
    while (done < size) {
      const count = readSync(fd, out, done, size - done, offset + done);
      if (count === 0) return out.subarray(0, done);
      done += count;
    }
    return out;
  }

  /** As `read`, into given memory. @returns bytes read: none where there is no such file */
  readInto(name: string, offset: number, target: Uint8Array): number {
    try {
      return readFully(this.#descriptor(name), target, offset);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
      throw error;
    }
  }

  /** Finds the frame of a record. @param offset - of the first byte that the record stores */
  frames(name: string, offset: number): FindFrame {
    return (back, size) =>
      back <= offset ? this.#frames.get(`${offset - back} ${name}`, () => this.read(name, offset - back, size)) : undefined;
  }

  /** The hash function of a file's records. @param otherwise - where the file does not tell, or is not there */
  hashOf(name: string, otherwise: HashFunction): HashFunction {
    const known = this.#hashes.get(name);
    if (known !== undefined) return known;
    try {
      const found = hashOfDatafile((offset, size) => this.read(name, offset, size), otherwise);
      this.#hashes.set(name, found);
      return found;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise;
      throw error;
    }
  }

  #descriptor(name: string): number {
    const found = this.#open.get(name);
    if (found !== undefined) {
      if (this.#open.size > 1) {
        this.#open.delete(name);
        this.#open.set(name, found);
      }
      return found;
    }
    const fd = openStoreFile(this.path(name), 'read');
    this.#open.set(name, fd);
    if (this.#open.size > MAX_OPEN_FILES) {
      const [oldest] = this.#open.keys();
      if (oldest !== undefined) this.forget(oldest);
    }
    return fd;
  }

  /** Closes a file's descriptor, if there is one: the file may have been replaced. */
  forget(name: string): void {
    const fd = this.#open.get(name);
    if (fd === undefined) return;
    this.#open.delete(name);
    closeSync(fd);
  }

  /** Closes all. */
  close(): void {
    for (const name of [...this.#open.keys()]) this.forget(name);
  }
}
