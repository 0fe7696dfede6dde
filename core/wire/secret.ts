import { readFileSync } from 'node:fs';
import { VtError } from '../base/errors.ts';
import { errorReason } from '../base/system/system-error.ts';
import { requireTrusted } from '../base/system/trusted-file.ts';

/** Minimum octets of a secret: shorter ones can be guessed. */
const MIN_SECRET_SIZE = 16;

/**
 * Reads a shared secret: a file's octets without white space at both ends.
 *
 * @throws {VtError} EOPEN if the file cannot be read, EPERM if other users may write it, EUSAGE if the secret is too short
 */
export function readSecret(file: string): Uint8Array {
  let text: string;
  try {
    requireTrusted(file, 'secret');
    text = readFileSync(file, 'latin1').trim();
  } catch (error) {
    if (error instanceof VtError) throw error;
    throw new VtError('EOPEN', `read secret "${file}": ${errorReason(error)}`, { cause: error });
  }
  if (text.length >= MIN_SECRET_SIZE) return Buffer.from(text, 'latin1');
  throw new VtError('EUSAGE', `read secret "${file}": ${text.length} bytes, expected at least ${MIN_SECRET_SIZE}`, {
    remedy: `write ${MIN_SECRET_SIZE} or more random bytes into it`,
  });
}
