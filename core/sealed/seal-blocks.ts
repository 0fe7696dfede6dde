import { crc32 } from '../base/crc32.ts';
import type { DigestedBlock } from '../block/block-target.ts';
import { hashByName } from '../block/hash.ts';
import {
  SEALED_HEAD_SIZE,
  SEALED_KIND,
  SEALED_NAME_SIZE,
  SEALED_OVERHEAD,
  SEALED_TAG_SIZE,
  SEALED_VERSION,
  writeSealedCheck,
} from '../block/sealed-bytes.ts';
import { RECORD_FIXED_SIZE, writeRecordHeader } from '../store/records/datafile.ts';
import { gcmEngine } from './gcm-engine.ts';
import type { BlockKeys } from './seal-keys.ts';

/** The CRC-32 of any octets followed by their own CRC-32, little-endian: the residue in ISO 3309. */
const CHECKED_CRC32 = 0x2144df1c;

/** Computes the names of Blocks. @param digests - their digests, concatenated */
export function sealedNames(keys: Pick<BlockKeys, 'names'>, digests: Uint8Array): Buffer {
  return keys.names.many(digests);
}

/** Seals a Block into `target`. @param key - the key derived from its name */
function sealInto(target: Buffer, key: Uint8Array, name: Uint8Array, data: Uint8Array): void {
  target.set(name, 0);
  target[SEALED_NAME_SIZE] = SEALED_VERSION;
  target[SEALED_NAME_SIZE + 1] = SEALED_KIND;
  const end = SEALED_HEAD_SIZE + data.length;
  const head = target.subarray(0, SEALED_HEAD_SIZE);
  gcmEngine().seal(key, head, data, target.subarray(SEALED_HEAD_SIZE, end), target.subarray(end, end + SEALED_TAG_SIZE));
  writeSealedCheck(target);
}

/** Seals Blocks; their names take the place of their digests. */
export function sealBlocks(keys: BlockKeys, blocks: readonly DigestedBlock[]): DigestedBlock[] {
  const digests = Buffer.concat(blocks.map(({ digest }) => digest));
  const names = sealedNames(keys, digests);
  const contentKeys = keys.contents.many(names);
  return blocks.map(({ data }, i) => {
    const bytes = Buffer.allocUnsafe(data.length + SEALED_OVERHEAD);
    const name = partOf(names, i);
    sealInto(bytes, partOf(contentKeys, i), name, data);
    return { digest: name, data: bytes };
  });
}

/** Blocks that were sealed into records. */
export interface SealedRecords {
  /** Their names, concatenated. */
  readonly names: Uint8Array;
  /** Octets of each sealed Block. */
  readonly sizes: Uint32Array;
  /** The records. */
  readonly image: Buffer;
}

/**
 * Seals Blocks into records.
 *
 * @param blocks - may be views of shared memory
 * @param digests - the Blocks' digests, concatenated
 * @param room - provides memory for the records, shared or not; called with its size in octets
 */
export function sealRecords(
  keys: BlockKeys,
  blocks: readonly Uint8Array[],
  digests: Uint8Array,
  room: (size: number) => Buffer,
): SealedRecords {
  const names = sealedNames(keys, digests);
  const contentKeys = keys.contents.many(names);
  const sizes = Uint32Array.from(blocks, ({ length }) => length + SEALED_OVERHEAD);
  const headerSize = RECORD_FIXED_SIZE + SEALED_NAME_SIZE;
  const image = room(sizes.reduce((sum, size) => sum + headerSize + size, 0));
  let at = 0;
  for (const [i, data] of blocks.entries()) {
    const name = partOf(names, i);
    const start = at + headerSize;
    const end = start + (sizes[i] as number);
    const bytes = image.subarray(start, end);
    sealInto(bytes, partOf(contentKeys, i), name, data);
    writeRecordHeader(image, at, 'none', bytes.length, bytes.length, CHECKED_CRC32, name);
    at = end;
  }
  return { names, sizes, image };
}

/** Opens a Block that was read by its name. @returns undefined if its bytes were not sealed under that name */
export function openBlock(keys: BlockKeys, name: Uint8Array, bytes: Uint8Array): Buffer | undefined {
  const target = Buffer.allocUnsafe(openedSize(bytes));
  return openInto(target, keys.contents.many(name), name, bytes) ? target : undefined;
}

/**
 * Opens Blocks into records.
 *
 * @param names - the Blocks' names, concatenated
 * @param digestOf - returns the digest that belongs to a name, or undefined to leave the Block out
 * @returns the records of those that open, in order, with their digests and sizes
 */
export function openRecords(
  keys: BlockKeys,
  names: Uint8Array,
  blocks: readonly Uint8Array[],
  digestOf: (name: Uint8Array) => Uint8Array | undefined,
): { readonly digests: Uint8Array; readonly sizes: Uint32Array; readonly image: Buffer } {
  const contentKeys = keys.contents.many(names);
  const image = Buffer.allocUnsafeSlow(blocks.reduce((sum, bytes) => sum + RECORD_FIXED_SIZE + SEALED_NAME_SIZE + openedSize(bytes), 0));
  const digests: Uint8Array[] = [];
  const sizes: number[] = [];
  let at = 0;
  for (const [i, bytes] of blocks.entries()) {
    const name = partOf(names, i);
    const digest = digestOf(name);
    if (digest === undefined) continue;
    const start = at + RECORD_FIXED_SIZE + digest.length;
    const data = image.subarray(start, start + openedSize(bytes));
    if (!openInto(data, partOf(contentKeys, i), name, bytes)) continue;
    writeRecordHeader(image, at, 'none', data.length, data.length, crc32(data), digest);
    digests.push(digest);
    sizes.push(data.length);
    at = start + data.length;
  }
  return { digests: Buffer.concat(digests), sizes: Uint32Array.from(sizes), image: image.subarray(0, at) };
}

/** Opens Blocks whose digests are known; computes the names and keys of all of them at once. */
export class BlockOpener {
  readonly #names: Buffer;
  readonly #keys: Buffer;

  /** @param digests - the Blocks' digests, concatenated */
  constructor(keys: BlockKeys, digests: Uint8Array) {
    this.#names = sealedNames(keys, digests);
    this.#keys = keys.contents.many(this.#names);
  }

  /** Opens the i-th Block into `target`, which has its size. @returns whether its bytes were sealed under its name */
  open(i: number, bytes: Uint8Array, target: Uint8Array): boolean {
    return openInto(target, partOf(this.#keys, i), partOf(this.#names, i), bytes);
  }
}

/** Octets of a Block, from its sealed bytes. */
function openedSize({ length }: Uint8Array): number {
  return Math.max(0, length - SEALED_OVERHEAD);
}

/** Opens a Block into `target`, which has its size. @returns whether its bytes were sealed under that name */
function openInto(target: Uint8Array, key: Uint8Array, name: Uint8Array, data: Uint8Array): boolean {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (bytes.length < SEALED_OVERHEAD || Buffer.compare(hashByName('sealed').digest(bytes), name) !== 0) return false;
  const end = SEALED_HEAD_SIZE + target.length;
  const head = bytes.subarray(0, SEALED_HEAD_SIZE);
  return gcmEngine().open(key, head, bytes.subarray(SEALED_HEAD_SIZE, end), target, bytes.subarray(end, end + SEALED_TAG_SIZE));
}

function partOf(octets: Uint8Array, i: number): Uint8Array {
  return octets.subarray(i * SEALED_NAME_SIZE, (i + 1) * SEALED_NAME_SIZE);
}
