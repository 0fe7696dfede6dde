import { crc32 } from '../base/crc32.ts';

// The bytes of a sealed Block: its name, version, kind, the ciphertext and its tag, and a CRC-32 of all that. @see vt(5), "Sealed Blocks"

/** Bytes of the name of a sealed Block. */
export const SEALED_NAME_SIZE = 32;
/** Bytes before the ciphertext of a sealed Block: its name, version and kind. */
export const SEALED_HEAD_SIZE: number = SEALED_NAME_SIZE + 2;
/** Bytes of the authentication tag of AES-GCM. */
export const SEALED_TAG_SIZE = 16;
const CHECK_SIZE = 4;
/** Bytes that sealing adds to a Block. */
export const SEALED_OVERHEAD: number = SEALED_HEAD_SIZE + SEALED_TAG_SIZE + CHECK_SIZE;

/** Version and kind: the two bytes after the name. */
export const SEALED_VERSION = 1;
export const SEALED_KIND = 1;

/** Writes the CRC-32 into the last 4 bytes. @param bytes - the whole sealed Block */
export function writeSealedCheck(bytes: Buffer): void {
  const end = bytes.length - CHECK_SIZE;
  bytes.writeUInt32LE(crc32(bytes.subarray(0, end)), end);
}

/**
 * Writes the digest of a sealed Block: the name at its start if its CRC-32 is right, else zeros, which name no Block. So a reader without
 * a key can recognise a damaged Block. A reader with a key relies on the authentication tag.
 *
 * @param target - receives {@link SEALED_NAME_SIZE} bytes from `at` on
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

/** Whether a digest says that the bytes are not an intact sealed Block. @param at - offset of the digest in `digests` */
export function isNoSealedDigest(digests: Uint8Array, at = 0): boolean {
  for (let i = at; i < at + SEALED_NAME_SIZE; i++) if (digests[i] !== 0) return false;
  return true;
}
