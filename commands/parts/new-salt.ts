import { randomBytes } from 'node:crypto';

/** Bytes of new salt: nobody guesses them. */
const SALT_SIZE = 16;

/** Salt for a Dir: random bytes. */
export function newSalt(): Uint8Array {
  return randomBytes(SALT_SIZE);
}
