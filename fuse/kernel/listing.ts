import type { EntrySink, ListedEntry } from '../filesystem.ts';
import { ENTRY_SIZE } from './abi.ts';
import { writeEntry } from './encode.ts';
import { writeI64 } from './octet-fields.ts';

/** Bytes of `fuse_dirent` before the name. */
const DIRENT_SIZE = 24;

/** Entries of a Dir as READDIR and READDIRPLUS answer them: records padded to 8 bytes. */
export class Listing {
  readonly #out: Buffer;
  readonly #limit: number;
  readonly #plus: boolean;
  /** Offset of the next record in the buffer. */
  end: number;

  /** @param size - bytes of records that fit, from `start` on */
  constructor(out: Buffer, start: number, size: number, plus: boolean) {
    this.#out = out;
    this.end = start;
    this.#limit = Math.min(out.length, start + size);
    this.#plus = plus;
  }

  readonly add: EntrySink = (entry: ListedEntry): boolean => {
    const out = this.#out;
    const { name } = entry;
    let at = this.end;
    const end = at + align((this.#plus ? ENTRY_SIZE : 0) + DIRENT_SIZE + name.length);
    if (end > this.#limit) return false;
    if (this.#plus) {
      // A nodeid of 0 tells the kernel not to take it as looked up.
      if (entry.attributes === undefined) out.fill(0, at, at + ENTRY_SIZE);
      else writeEntry(out, at, entry.attributes);
      at += ENTRY_SIZE;
    }
    writeI64(out, entry.ino, at);
    writeI64(out, entry.next, at + 8);
    out.writeUInt32LE(name.length, at + 16);
    out.writeUInt32LE((entry.mode >>> 12) & 0xf, at + 20);
    at += DIRENT_SIZE;
    out.write(name, at, 'latin1');
    out.fill(0, at + name.length, end);
    this.end = end;
    return true;
  };
}

function align(size: number): number {
  return (size + 7) & ~7;
}
