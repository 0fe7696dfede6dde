import { randomUUID } from 'node:crypto';
import { closeSync, fstatSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from '../../base/crc32.ts';
import { ParseError, VtError } from '../../base/errors.ts';
import { readFully } from '../../base/system/read-fully.ts';
import { openStoreFile, replaceStoreFile, type StoreAccess } from '../../base/system/store-files.ts';
import type { HashName } from '../../block/hash.ts';
import { hashByEnumeration, hashByName } from '../../block/hash.ts';
import type { NamedKind } from '../../store/capabilities.ts';
import { orderOf } from './name-order.ts';
import type { NamePair, Side } from './name-record.ts';
import { decodeNameRecord, digestIn, isNamed, NAME_RECORD_SIZE } from './name-record.ts';

// A file of a map of names: records in the order of one side, and their numbers in the order of the other. @see vt(5), "Maps of names"

/** First bytes, as those of a .vtd. */
const MAGIC = Buffer.from('8976746e' + '0d0a1a0a', 'hex');
const VERSION = 1;
const HEADER_SIZE = 64;
const NUMBER_SIZE = 4;
/** What the names of its files end in. */
export const NAMES_SUFFIX = '.names';
/** Times that a digest is looked for where it should be, before half of what is left is taken at each. */
const GUESSES = 8;
/** How far beyond such a place is looked at too, so that it is between two that are near. */
const STRIDE = 16;

/** What a file says of itself. */
interface RunHeader {
  readonly hashes: readonly [HashName, HashName];
  /** A note that the Store has while all is there that the references mean. */
  readonly note: Uint8Array;
  readonly count: number;
}

/** Writes a run into a folder, durably but for its name. @param records - sorted @returns its path */
export function writeNameRun(folder: string, { hashes, note }: Omit<RunHeader, 'count'>, records: Buffer, access: StoreAccess): string {
  const path = join(folder, `${randomUUID()}${NAMES_SUFFIX}`);
  const header = Buffer.alloc(HEADER_SIZE);
  MAGIC.copy(header);
  header[8] = VERSION;
  hashes.forEach((hashName, side) => {
    header[9 + side] = hashByName(hashName).enumeration;
  });
  header.set(note, 16);
  header.writeBigUInt64LE(BigInt(records.length / NAME_RECORD_SIZE), 32);
  header.writeUInt32LE(crc32(header.subarray(0, 60)), 60);
  const order = orderOf(records, 1);
  const numbers = Buffer.allocUnsafe(order.length * NUMBER_SIZE);
  order.forEach((number, i) => {
    numbers.writeUInt32LE(number, i * NUMBER_SIZE);
  });
  replaceStoreFile(path, [header, records, numbers], access, `${path}.new`);
  return path;
}

/** An open file of a map of names. */
export class NameRun implements Disposable {
  readonly path: string;
  readonly hashes: readonly [HashName, HashName];
  readonly note: Uint8Array;
  readonly count: number;
  readonly #fd: number;
  readonly #record = Buffer.alloc(NAME_RECORD_SIZE);
  readonly #number = Buffer.alloc(NUMBER_SIZE);

  private constructor(path: string, fd: number, { hashes, note, count }: RunHeader) {
    this.path = path;
    this.#fd = fd;
    this.hashes = hashes;
    this.note = note;
    this.count = count;
  }

  /** @throws {ParseError} for what is no such file, or is damaged; {VtError} EUNSUPPORTED for one of a later version */
  static open(path: string): NameRun {
    const fd = openStoreFile(path, 'read');
    try {
      const header = Buffer.alloc(HEADER_SIZE);
      if (readFully(fd, header, 0) < HEADER_SIZE || !header.subarray(0, MAGIC.length).equals(MAGIC))
        throw new ParseError(`read "${path}": it is not a map of names`, 0);
      if (header.readUInt32LE(60) !== crc32(header.subarray(0, 60)))
        throw new ParseError(`read "${path}": the checksum of its header does not match`, 0);
      if (header.readUInt8(8) > VERSION) throw new VtError('EUNSUPPORTED', `read "${path}": a map of names of version ${header[8]}`);
      const [one, other] = [hashByEnumeration(header.readUInt8(9)), hashByEnumeration(header.readUInt8(10))];
      const count = Number(header.readBigUInt64LE(32));
      if (one === undefined || other === undefined || fstatSync(fd).size < HEADER_SIZE + count * (NAME_RECORD_SIZE + NUMBER_SIZE))
        throw new ParseError(`read "${path}": it is truncated`, 0);
      return new NameRun(path, fd, { hashes: [one.name, other.name], note: Uint8Array.from(header.subarray(16, 32)), count });
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** All its records, as they are. */
  records(): Buffer {
    const out = Buffer.allocUnsafeSlow(this.count * NAME_RECORD_SIZE);
    return out.subarray(0, readFully(this.#fd, out, HEADER_SIZE));
  }

  /**
   * Looks a reference up: some reads of a few bytes. One whose record is damaged is not found.
   *
   * @param side - that of the digest
   */
  find(side: Side, kind: NamedKind, key: { readonly digest: Uint8Array; readonly form: number }): NamePair | undefined {
    const wanted = Buffer.alloc(32);
    wanted.set(key.digest);
    for (let at = this.#placeOf(side, wanted); at < this.count; at++) {
      const record = this.#read(side, at);
      if (record === undefined || !digestIn(record, side).equals(wanted)) return undefined;
      if (isNamed(record, side, kind, key.form)) return decodeNameRecord(record, this.hashes);
    }
    return undefined;
  }

  /** The first place in the order of a side whose digest is not below one: digests are spread evenly, so it is near where it should be. */
  #placeOf(side: Side, wanted: Buffer): number {
    let [low, high] = [0, this.count];
    let [lowValue, highValue] = [0, 2 ** 48];
    let isLost = false;
    const value = wanted.readUIntBE(0, 6);
    const look = (at: number): void => {
      const record = this.#read(side, at);
      isLost ||= record === undefined;
      const found = record && digestIn(record, side);
      if (found !== undefined && found.compare(wanted) < 0) [low, lowValue] = [at + 1, found.readUIntBE(0, 6)];
      else if (found !== undefined) [high, highValue] = [at, found.readUIntBE(0, 6)];
    };
    for (let step = 0; low < high && !isLost; step++) {
      if (step >= GUESSES || high - low <= 2 * STRIDE || highValue <= lowValue) {
        look((low + high) >>> 1);
        continue;
      }
      const share = (value - lowValue) / (highValue - lowValue);
      const at = low + Math.min(high - low - 1, Math.max(0, Math.floor(share * (high - low))));
      look(at);
      // What is looked for is beyond it, and near: the other bound would not move otherwise.
      const beyond = low > at ? at + STRIDE : at - STRIDE;
      if (beyond >= low && beyond < high) look(beyond);
    }
    return isLost ? this.count : low;
  }

  /** A record by its place in the order of a side; undefined where it cannot be read. */
  #read(side: Side, at: number): Buffer | undefined {
    let number = at;
    if (side === 1) {
      readFully(this.#fd, this.#number, HEADER_SIZE + this.count * NAME_RECORD_SIZE + at * NUMBER_SIZE);
      number = this.#number.readUInt32LE(0);
      if (number >= this.count) return undefined;
    }
    return readFully(this.#fd, this.#record, HEADER_SIZE + number * NAME_RECORD_SIZE) < NAME_RECORD_SIZE ? undefined : this.#record;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
