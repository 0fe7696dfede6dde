import { crc32 } from '../base/crc32.ts';

// The bytes of a sealed Block: its name, two bytes, the ciphertext and its tag, a CRC-32 of all of that. @see vt(5), "Sealed Blocks"

/** Bytes of the name of a sealed Block. */
export const SEALED_NAME_SIZE = 32;
/** First bytes of a sealed Block: its name, the version, the kind. */
export const SEALED_HEAD_SIZE: number = SEALED_NAME_SIZE + 2;
/** Bytes of the tag of AES-GCM. */
export const SEALED_TAG_SIZE = 16;
const CHECK_SIZE = 4;
/** Bytes that sealing adds to a Block. */
export const SEALED_OVERHEAD: number = SEALED_HEAD_SIZE + SEALED_TAG_SIZE + CHECK_SIZE;

/** What is behind the name. */
export const SEALED_VERSION = 1;
export const SEALED_KIND = 1;

/** Writes the check behind all else. @param bytes - all of the sealed Block */
export function writeSealedCheck(bytes: Buffer): void {
  const end = bytes.length - CHECK_SIZE;
  bytes.writeUInt32LE(crc32(bytes.subarray(0, end)), end);
}

/**
 * The digest of a sealed Block: the name that it begins with, if its check holds, else zeros, which are nobody's name. So a reader without a key
 * can still recognise a damaged Block; a reader with a key relies on the tag.
 *
 * @param target - gets {@link SEALED_NAME_SIZE} bytes from `at` on
 */
export function writeSealedDigest(data: Uint8Array, target: Buffer, at: number): void {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (isWholeSealed(bytes)) bytes.copy(target, at, 0, SEALED_NAME_SIZE);
  else target.fill(0, at, at + SEALED_NAME_SIZE);
}

function isWholeSealed(bytes: Buffer): boolean {
  if (bytes.length < SEALED_OVERHEAD || bytes[SEALED_NAME_SIZE] !== SEALED_VERSION) return false;
  const end = bytes.length - CHECK_SIZE;
  return bytes.readUInt32LE(end) === crc32(bytes.subarray(0, end));
}

/** Whether a digest is that of bytes which are no whole sealed Block. @param at - where it begins in `digests` */
export function isNoSealedDigest(digests: Uint8Array, at = 0): boolean {
  for (let i = at; i < at + SEALED_NAME_SIZE; i++) if (digests[i] !== 0) return false;
  return true;
}
