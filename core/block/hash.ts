import { hash as nodeHash } from 'node:crypto';
import { VtError } from '../base/errors.ts';
import { blake3Digest } from './blake3-engine.ts';

/** Names of the hash functions, as they stand in texts, file names and configuration. */
export type HashName = 'sha1' | 'sha256' | 'blake3' | 'sha3-256';

/** A hash function of the registry. */
export interface HashFunction {
  readonly name: HashName;
  /** The number that stands for it in bytes. @see vt(5), "Hashcodes" */
  readonly enumeration: number;
  /** Octets of a digest. */
  readonly digestSize: number;
  /** The digest of `data`, in a new array. `data` may be a view of shared memory. */
  readonly digest: (data: Uint8Array) => Uint8Array;
}

/** The hash of new Stores, where nothing else is asked for. */
export const DEFAULT_HASH_NAME: HashName = 'sha3-256';

/** Largest digest of any hash function, in octets. */
export const MAX_DIGEST_SIZE = 32;

// Enumerations 0..2 are the Python vt's; 3 is ours. node:crypto gives the same digests as @noble/hashes (a test
// compares them) at 4 to 17 times its speed: sha3-256 of 16 KiB 432 against 26 MB/s.
const FUNCTIONS: readonly HashFunction[] = [
  { name: 'sha1', enumeration: 0, digestSize: 20, digest: (data) => nodeHash('sha1', data, 'buffer') },
  { name: 'sha256', enumeration: 1, digestSize: 32, digest: (data) => nodeHash('sha256', data, 'buffer') },
  { name: 'blake3', enumeration: 2, digestSize: 32, digest: blake3Digest },
  { name: 'sha3-256', enumeration: 3, digestSize: 32, digest: (data) => nodeHash('sha3-256', data, 'buffer') },
];

/** Every hash name, in the order of their enumerations. */
export const HASH_NAMES: readonly HashName[] = FUNCTIONS.map((entry) => entry.name);

const BY_NAME = new Map<string, HashFunction>(FUNCTIONS.map((entry) => [entry.name, entry]));

/**
 * The hash function of a name.
 *
 * @throws {VtError} EUNSUPPORTED if there is none
 */
export function hashByName(name: string): HashFunction {
  const found = BY_NAME.get(name);
  if (found === undefined) {
    throw new VtError('EUNSUPPORTED', `look up hash "${name}": unknown`, { remedy: `use one of ${HASH_NAMES.join(', ')}` });
  }
  return found;
}

/** The hash function of an enumeration, or undefined. */
export function hashByEnumeration(enumeration: number): HashFunction | undefined {
  return FUNCTIONS[enumeration];
}
