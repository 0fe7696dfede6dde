import type { BigIntStats } from 'node:fs';
import { closeSync, constants, lstatSync, openSync } from 'node:fs';
import type { Octets } from '../base/octets.ts';
import { octetsToBytes, octetsToTextStrict } from '../base/octets.ts';
import { readFully } from '../base/system/read-fully.ts';
import { digestKey } from '../block/digest-key.ts';
import type { HashFunction } from '../block/hash.ts';
import type { BlockLocation } from '../store/block-location.ts';

/** An ordinary file as it was when its Blocks were found. */
export interface SeenFile {
  /** Absolute path. */
  readonly path: Octets;
  /** Bytes. */
  readonly size: number;
  /** Nanoseconds since 1970. */
  readonly mtimeNs: bigint;
}

/** The place of a Block: a part of an ordinary file. Offset and size are in bytes. */
export interface Place {
  readonly file: SeenFile;
  readonly offset: number;
  readonly size: number;
}

/** The places of Blocks in ordinary files. A Block may have several; each may be gone or changed by now. */
export class Places {
  readonly #hash: HashFunction;
  /** A single place is kept without an array, since most Blocks have only one. */
  readonly #places = new Map<string, Place | readonly Place[]>();

  constructor(hash: HashFunction) {
    this.#hash = hash;
  }

  /** Blocks with a place. */
  get count(): number {
    return this.#places.size;
  }

  /** Digests of Blocks with a place, as keys. */
  keys(): Iterable<string> {
    return this.#places.keys();
  }

  has(key: string): boolean {
    return this.#places.has(key);
  }

  add(digest: Uint8Array, place: Place): void {
    const key = digestKey(digest);
    const known = this.of(key);
    if (known.some(({ file, offset }) => file.path === place.file.path && offset === place.offset)) return;
    this.#places.set(key, known.length === 0 ? place : [...known, place]);
  }

  of(key: string): readonly Place[] {
    const found = this.#places.get(key);
    if (found === undefined) return [];
    return 'file' in found ? [found] : found;
  }

  /** Removes a place that no longer has the Block. */
  remove(key: string, place: Place): void {
    const rest = this.of(key).filter((one) => one !== place);
    const [first] = rest;
    if (first === undefined) this.#places.delete(key);
    else this.#places.set(key, rest.length === 1 ? first : rest);
  }

  /** Reads a Block from a place. @returns its verified bytes; undefined if the file is gone or has other bytes there */
  read(place: Place, digest: Uint8Array): Buffer | undefined {
    let fd: number;
    try {
      // O_NONBLOCK avoids waiting at a FIFO that replaced the file; O_NOFOLLOW refuses a symlink.
      fd = openSync(octetsToBytes(place.file.path), constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    } catch {
      return undefined; // gone, or not to be read any more: the Block is looked for elsewhere
    }
    try {
      const data = Buffer.allocUnsafe(place.size);
      if (readFully(fd, data, place.offset) < place.size) return undefined;
      return Buffer.compare(this.#hash.digest(data), digest) === 0 ? data : undefined;
    } catch {
      return undefined;
    } finally {
      closeSync(fd);
    }
  }

  /** The first place of a Block whose file looks unchanged. The reader must verify the bytes. */
  locate(digest: Uint8Array, isAsSeen: (file: SeenFile) => boolean): BlockLocation | undefined {
    for (const { file, offset, size } of this.of(digestKey(digest))) {
      const path = octetsToTextStrict(file.path);
      if (path !== undefined && isAsSeen(file)) return { file: path, offset, storedSize: size, size, codec: 'none' };
    }
    return undefined;
  }
}

/** Makes a test whether files have the size and mtime that they had; it calls stat once per file. */
export function asSeenTest(): (file: SeenFile) => boolean {
  const looked = new Map<SeenFile, boolean>();
  return (file) => {
    const known = looked.get(file);
    if (known !== undefined) return known;
    const found = lstatIfThere(file.path);
    const isSame = found?.isFile() === true && Number(found.size) === file.size && found.mtimeNs === file.mtimeNs;
    looked.set(file, isSame);
    return isSame;
  };
}

function lstatIfThere(path: Octets): BigIntStats | undefined {
  try {
    return lstatSync(octetsToBytes(path), { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
