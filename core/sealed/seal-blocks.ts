import { createCipheriv, createDecipheriv } from 'node:crypto';
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
import type { BlockKeys } from './seal-keys.ts';

const ALGORITHM = 'aes-256-gcm';
/** Each Block has a key of its own, which depends on its name: one nonce will do for all. */
const NONCE = Buffer.alloc(12);
/** The CRC-32 of octets that end in their own CRC-32, little-endian, whatever they are: the residue of ISO 3309. */
const CHECKED_CRC32 = 0x2144df1c;

/** The names of Blocks. @param digests - theirs, one after the other */
export function sealedNames(keys: Pick<BlockKeys, 'names'>, digests: Uint8Array): Buffer {
  return keys.names.many(digests);
}

/** Seals a Block into `target`. @param key - that of its name */
function sealInto(target: Buffer, key: Uint8Array, name: Uint8Array, data: Uint8Array): void {
  target.set(name, 0);
  target[SEALED_NAME_SIZE] = SEALED_VERSION;
  target[SEALED_NAME_SIZE + 1] = SEALED_KIND;
  const cipher = createCipheriv(ALGORITHM, key, NONCE);
  cipher.setAAD(target.subarray(0, SEALED_HEAD_SIZE));
  const body = cipher.update(data);
  cipher.final();
  body.copy(target, SEALED_HEAD_SIZE);
  cipher.getAuthTag().copy(target, SEALED_HEAD_SIZE + body.length);
  writeSealedCheck(target);
}

/** Seals Blocks, under their names. */
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
  /** Their names, one after the other. */
  readonly names: Uint8Array;
  /** Octets of each as it is sealed. */
  readonly sizes: Uint32Array;
  /** The records. */
  readonly image: Buffer;
}

/**
 * Seals Blocks into records.
 *
 * @param blocks - may be views of shared memory
 * @param digests - theirs, one after the other
 * @param room - gives memory of so many octets for the records, shared or not
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

/** Opens a Block that was got by its name. @returns undefined where its bytes are not what was sealed under that name */
export function openBlock(keys: BlockKeys, name: Uint8Array, bytes: Uint8Array): Buffer | undefined {
  return openWith(keys.contents.many(name), name, bytes);
}

/** The same of many. @param names - those of the Blocks, one after the other */
export function openBlocks(keys: BlockKeys, names: Uint8Array, blocks: readonly Uint8Array[]): (Buffer | undefined)[] {
  const contentKeys = keys.contents.many(names);
  return blocks.map((bytes, i) => openWith(partOf(contentKeys, i), partOf(names, i), bytes));
}

function openWith(key: Uint8Array, name: Uint8Array, data: Uint8Array): Buffer | undefined {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (bytes.length < SEALED_OVERHEAD || Buffer.compare(hashByName('sealed').digest(bytes), name) !== 0) return undefined;
  const end = bytes.length - SEALED_OVERHEAD + SEALED_HEAD_SIZE;
  const decipher = createDecipheriv(ALGORITHM, key, NONCE);
  decipher.setAAD(bytes.subarray(0, SEALED_HEAD_SIZE));
  decipher.setAuthTag(bytes.subarray(end, end + SEALED_TAG_SIZE));
  const opened = decipher.update(bytes.subarray(SEALED_HEAD_SIZE, end));
  try {
    decipher.final();
    return opened;
  } catch {
    return undefined;
  }
}

function partOf(octets: Uint8Array, i: number): Uint8Array {
  return octets.subarray(i * SEALED_NAME_SIZE, (i + 1) * SEALED_NAME_SIZE);
}
