import { randomBytes } from 'node:crypto';

/** Bytes of new salt: 128 bits cannot be guessed. */
const SALT_SIZE = 16;

/** Salt for a Dir: random bytes. */
export function newSalt(): Uint8Array {
  return randomBytes(SALT_SIZE);
}
