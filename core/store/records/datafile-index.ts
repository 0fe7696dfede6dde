import { ParseError } from '../../base/errors.ts';
import { MAX_STORED_SIZE } from '../../block/hash.ts';
import type { Codec } from './datafile.ts';
import { codecByNumber, codecNumber, encodeGap, GAP_KIND, RECORD_FIXED_SIZE } from './datafile.ts';

// The index of a one-file Store: the place of each Block, ascending by digest. @see vt(5), "One-file Stores"

/** Octets of an entry after its digest. */
const PLACE_SIZE = 16;

/** Maximum octets of entries in an index record: about as many as in a Block. */
export const MAX_INDEX_SIZE: number = 16 * 1024 * 1024 - 64;

/** The place of a record's stored octets in a file. */
export interface RecordPlace {
  /** Offset of the stored octets. */
  readonly offset: number;
  readonly storedSize: number;
  /** Octets of the Block. */
  readonly size: number;
  readonly codec: Codec;
}

/** A list of Blocks' digests and places, in columns: some 60 octets each. */
export class PlaceList {
  readonly #digestSize: number;
  #digests: Buffer;
  #places: Buffer;
  #numbers: DataView;
  #count = 0;

  constructor(digestSize: number) {
    this.#digestSize = digestSize;
    this.#digests = Buffer.alloc(digestSize * 1024);
    this.#places = Buffer.alloc(PLACE_SIZE * 1024);
    this.#numbers = new DataView(this.#places.buffer);
  }

  get count(): number {
    return this.#count;
  }

  /** Adds a Block that is not in the list yet. @param place - its offset must be below 2^48 */
  add(digest: Uint8Array, { offset, storedSize, size, codec }: RecordPlace): void {
    this.addAt(digest, 0, offset, storedSize, size, codecNumber(codec));
  }

  /**
   * As {@link add}, without an object per Block, for lists of 100,000 Blocks.
   *
   * @param digests - digests of several Blocks, concatenated
   * @param at - offset of the Block's digest in them
   * @param codec - the number of its codec
   */
  addAt(digests: Uint8Array, at: number, offset: number, storedSize: number, size: number, codec: number): void {
    const place = this.#count * PLACE_SIZE;
    if (place === this.#places.length) this.#grow();
    const digestSize = this.#digestSize;
    const known = this.#digests;
    for (let i = 0, to = this.#count * digestSize; i < digestSize; i++) known[to + i] = digests[at + i] as number;
    const numbers = this.#numbers;
    numbers.setUint32(place, offset % 2 ** 32, true);
    numbers.setUint16(place + 4, Math.floor(offset / 2 ** 32), true);
    numbers.setUint8(place + 7, codec);
    numbers.setUint32(place + 8, storedSize, true);
    numbers.setUint32(place + 12, size, true);
    this.#count++;
  }

  #grow(): void {
    this.#digests = twiceAsLong(this.#digests);
    this.#places = twiceAsLong(this.#places);
    this.#numbers = new DataView(this.#places.buffer);
  }

  #order(): Uint32Array {
    const size = this.#digestSize;
    const compare = (a: number, b: number): number =>
      this.#digests.compare(this.#digests, b * size, (b + 1) * size, a * size, (a + 1) * size);
    if (this.#count > 2 ** 21) return Uint32Array.from({ length: this.#count }, (_, i) => i).sort(compare);
    // A digest's first 32 bits and a row number of 21 bits fit in one number. Sorting these without a function takes a tenth of the time.
    const keys = Float64Array.from({ length: this.#count }, (_, i) => this.#digests.readUInt32BE(i * size) * 2 ** 21 + i).sort();
    const order = Uint32Array.from(keys, (key) => key % 2 ** 21);
    const headAt = (i: number): number => Math.floor((keys[i] as number) / 2 ** 21);
    for (let start = 0, end = 0; start < order.length; start = end) {
      for (end = start + 1; end < order.length && headAt(end) === headAt(start); ) end++;
      if (end - start > 1) order.subarray(start, end).sort(compare);
    }
    return order;
  }

  /** Encodes all entries as index records. */
  *records(): Generator<Buffer> {
    const size = this.#digestSize;
    const order = this.#order();
    const perRecord = Math.floor(MAX_INDEX_SIZE / (size + PLACE_SIZE));
    for (let first = 0; first < order.length; first += perRecord) {
      const part = order.subarray(first, first + perRecord);
      const payload = Buffer.alloc(part.length * (size + PLACE_SIZE));
      for (const [i, number] of part.entries()) {
        const at = i * (size + PLACE_SIZE);
        this.#digests.copy(payload, at, number * size, (number + 1) * size);
        this.#places.copy(payload, at + size, number * PLACE_SIZE, (number + 1) * PLACE_SIZE);
      }
      yield encodeGap(GAP_KIND.index, size, payload);
    }
  }
}

function twiceAsLong(octets: Buffer): Buffer {
  const longer = Buffer.alloc(octets.length * 2);
  longer.set(octets);
  return longer;
}

/** Looks up Blocks in the encoded index of a file. */
export class DatafileIndex {
  readonly #digestSize: number;
  /** Its encoded entries, in order. */
  readonly parts: readonly Buffer[];
  readonly count: number;

  /**
   * @param parts - the payloads of the index records, in order
   * @throws {ParseError} if one is no whole number of entries, or has a Block of more than MAX_STORED_SIZE bytes
   */
  constructor(digestSize: number, parts: readonly Buffer[]) {
    this.#digestSize = digestSize;
    this.parts = parts;
    const size = digestSize + PLACE_SIZE;
    if (parts.some(({ length }) => length === 0 || length % size !== 0)) throw new ParseError('read index: a part of an entry', 0);
    if (parts.some((part) => hasOversized(part, digestSize))) throw new ParseError('read index: a Block that is too long', 0);
    this.count = parts.reduce((sum, { length }) => sum + length / size, 0);
  }

  find(digest: Uint8Array): RecordPlace | undefined {
    const size = this.#digestSize + PLACE_SIZE;
    const part = this.parts.findLast((buffer) => buffer.compare(digest, 0, this.#digestSize, 0, this.#digestSize) <= 0);
    if (part === undefined) return undefined;
    let low = 0;
    let high = part.length / size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = part.compare(digest, 0, this.#digestSize, middle * size, middle * size + this.#digestSize);
      if (order === 0) return placeAt(part, middle * size + this.#digestSize);
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return undefined;
  }

  /** All entries, ascending by digest. */
  *entries(): Generator<readonly [digest: Uint8Array, place: RecordPlace]> {
    const size = this.#digestSize + PLACE_SIZE;
    for (const part of this.parts) {
      for (let at = 0; at < part.length; at += size)
        yield [Uint8Array.from(part.subarray(at, at + this.#digestSize)), placeAt(part, at + this.#digestSize)];
    }
  }
}

/** Says whether an entry has more bytes than a Block can have: who reads it would ask for that much memory. */
function hasOversized(part: Buffer, digestSize: number): boolean {
  for (let at = digestSize + 8; at < part.length; at += digestSize + PLACE_SIZE)
    if (part.readUInt32LE(at) > MAX_STORED_SIZE || part.readUInt32LE(at + 4) > MAX_STORED_SIZE) return true;
  return false;
}

function placeAt(part: Buffer, at: number): RecordPlace {
  return {
    offset: part.readUIntLE(at, 6),
    codec: codecByNumber(part.readUInt8(at + 7)),
    storedSize: part.readUInt32LE(at + 8),
    size: part.readUInt32LE(at + 12),
  };
}

/** The data at the end of a one-file Store. */
export interface DatafileFooter {
  /** Offset of the first index record; the footer follows the last one. */
  readonly indexStart: number;
  readonly indexSize: number;
  /** Offset of the previous footer; 0 for none. */
  readonly previous: number;
  /** Offset of the end of the state's last Dir: contents follow. */
  readonly metadataEnd: number;
  /** When the state was recorded, in nanoseconds since 1970. */
  readonly whenNs: bigint;
}

const FOOTER_PAYLOAD_SIZE = 40;

/** Octets of a footer record, which is at the very end of the file. */
export function footerSize(digestSize: number): number {
  return RECORD_FIXED_SIZE + digestSize + FOOTER_PAYLOAD_SIZE;
}

/** Encodes a footer as a record. */
export function encodeFooter(footer: DatafileFooter, digestSize: number): Buffer {
  const payload = Buffer.alloc(FOOTER_PAYLOAD_SIZE);
  payload.writeBigUInt64LE(BigInt(footer.indexStart), 0);
  payload.writeBigUInt64LE(BigInt(footer.indexSize), 8);
  payload.writeBigUInt64LE(BigInt(footer.previous), 16);
  payload.writeBigUInt64LE(BigInt(footer.metadataEnd), 24);
  payload.writeBigInt64LE(footer.whenNs, 32);
  return encodeGap(GAP_KIND.footer, digestSize, payload);
}

/** Decodes a footer; undefined if it is malformed. @param payload - its payload, whose checksum was verified */
export function decodeFooter(payload: Buffer): DatafileFooter | undefined {
  if (payload.length !== FOOTER_PAYLOAD_SIZE) return undefined;
  return {
    indexStart: Number(payload.readBigUInt64LE(0)),
    indexSize: Number(payload.readBigUInt64LE(8)),
    previous: Number(payload.readBigUInt64LE(16)),
    metadataEnd: Number(payload.readBigUInt64LE(24)),
    whenNs: payload.readBigInt64LE(32),
  };
}
