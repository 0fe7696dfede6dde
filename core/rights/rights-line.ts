import { createHash, timingSafeEqual } from 'node:crypto';
import { VtError } from '../base/errors.ts';
import type { Rights } from './rights.ts';
import { parseRights } from './rights.ts';

/** A client with rights. */
export interface RightsHolder {
  readonly name: string;
  /** Undefined if the line has only its hash. */
  readonly secret: Uint8Array | undefined;
  /** The SHA-256 of the secret. */
  readonly digest: Uint8Array;
  readonly rights: Rights;
}

/** Least bytes of a secret: shorter ones can be guessed. */
const MIN_SECRET_SIZE = 16;

const HASH_PREFIX = 'sha256:';

/**
 * Reads a line of a rights file: a name, a secret or `sha256:HEX`, and the rights.
 *
 * @returns undefined for an empty line or a comment
 * @throws {VtError} EUSAGE for an invalid line; the message does not contain the secret
 */
export function parseRightsLine(text: string): RightsHolder | undefined {
  const [name = '', secret = '', ...words] = text.split(/[ \t]+/).filter((word) => word !== '');
  if (name === '' || name.startsWith('#')) return undefined;
  if (!/^[\w.@-]{1,64}$/.test(name)) throw new VtError('EUSAGE', 'its name may have only letters, digits and . _ - @');
  const isHashed = secret.startsWith(HASH_PREFIX);
  const hex = isHashed ? secret.slice(HASH_PREFIX.length) : '';
  if (isHashed && !/^[\da-f]{64}$/.test(hex)) throw new VtError('EUSAGE', `"${name}": its hash is not a SHA-256 in hex`);
  if (secret.length < MIN_SECRET_SIZE || !/^[!-~]+$/.test(secret))
    throw new VtError('EUSAGE', `"${name}": its secret has ${secret.length} characters, or some that are not ASCII`, {
      remedy: `give it ${MIN_SECRET_SIZE} or more, as openssl rand -hex 32 makes them`,
    });
  const rights = rightsOf(name, words);
  return isHashed
    ? { name, secret: undefined, digest: Buffer.from(hex, 'hex'), rights }
    : holderOf(name, Buffer.from(secret, 'latin1'), rights);
}

/** Makes a holder from a secret. */
export function holderOf(name: string, secret: Uint8Array, rights: Rights): RightsHolder {
  return { name, secret, digest: sha256(secret), rights };
}

function rightsOf(name: string, words: readonly string[]): Rights {
  try {
    return parseRights(words);
  } catch (error) {
    if (!(error instanceof VtError)) throw error;
    throw new VtError('EUSAGE', `"${name}": ${error.message}`, {
      cause: error,
      ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
    });
  }
}

function sha256(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}

/** Whether a secret belongs to a holder; compares in constant time. */
export function isSecretOf(holder: RightsHolder, secret: Uint8Array): boolean {
  return timingSafeEqual(sha256(secret), holder.digest);
}
