import { readFileSync } from 'node:fs';
import { VtError } from '../base/errors.ts';
import { errorReason } from '../base/system/system-error.ts';
import { requireTrusted } from '../base/system/trusted-file.ts';

/** Octets of a secret at least: fewer can be guessed. */
const MIN_SECRET_SIZE = 16;

/**
 * Reads a shared secret: a file's octets without white space at their ends.
 *
 * @throws {VtError} EOPEN where it cannot be read, EPERM where others may have written it, EUSAGE where it is too short
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
