import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

// Sealing of small values that have no digest, into a nonce, the ciphertext and the tag. @see vt(5), "Sealed Stores"

const ALGORITHM = 'aes-256-gcm';
const NONCE_SIZE = 12;
const TAG_SIZE = 16;
/** Octets that sealing adds to a value. */
export const VALUE_OVERHEAD: number = NONCE_SIZE + TAG_SIZE;

/**
 * Seals a small value with AES-256-GCM.
 *
 * @param place - its place, as associated data: it can only be opened for the same place
 * @param nonce - 12 octets, which must be used with this key for no other value; default: random
 */
export function sealValue(key: Uint8Array, place: string, value: Uint8Array, nonce: Uint8Array = randomBytes(NONCE_SIZE)): Buffer {
  const cipher = createCipheriv(ALGORITHM, key, nonce);
  cipher.setAAD(Buffer.from(place, 'utf8'));
  return Buffer.concat([nonce.subarray(0, NONCE_SIZE), cipher.update(value), cipher.final(), cipher.getAuthTag()]);
}

/** Opens a value; undefined if it is damaged, or was sealed with another key or for another place. */
export function openValue(key: Uint8Array, place: string, sealed: Uint8Array): Buffer | undefined {
  if (sealed.length < VALUE_OVERHEAD) return undefined;
  const end = sealed.length - TAG_SIZE;
  const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, NONCE_SIZE));
  decipher.setAAD(Buffer.from(place, 'utf8'));
  decipher.setAuthTag(sealed.subarray(end));
  const value = decipher.update(sealed.subarray(NONCE_SIZE, end));
  try {
    decipher.final();
    return value;
  } catch {
    return undefined;
  }
}
