import { hash as nodeHash } from 'node:crypto';
import { VtError } from '../base/errors.ts';
import type { SharedMemory } from '../base/system/shared-memory.ts';
import { blake3Digest, writeBlake3Digest } from './blake3-engine.ts';
import { MAX_BLOCK_SIZE } from './block-size.ts';
import type { DigestWriter } from './digest-each.ts';
import { cryptoWriter, digestEach } from './digest-each.ts';
import type { MemoryDigester } from './memory-digester.ts';
import { SEALED_OVERHEAD, writeSealedDigest } from './sealed-bytes.ts';
import { KECCAK_SCRATCH_SIZE } from './sha3/keccak-kernel.ts';
import { sha3Digest, sha3DigesterOf, sha3DigestMany } from './sha3/sha3-engine.ts';

/** The names of hash functions in texts, file names and configuration. */
export type HashName = 'sha1' | 'sha256' | 'blake3' | 'sha3-256' | 'sealed';

/** A hash function. */
export interface HashFunction {
  readonly name: HashName;
  /** Its number in encoded bytes. @see vt(5), "Hashcodes" */
  readonly enumeration: number;
  /** Bytes of a digest. */
  readonly digestSize: number;
  /** Maximum bytes of a Block. */
  readonly maxSize: number;
  /** Computes the digest of `data`, in a new array. `data` may be a view of shared memory. */
  readonly digest: (data: Uint8Array) => Uint8Array;
  /**
   * Computes the digests of many pieces at once. For several Blocks it is faster than `digest`.
   *
   * @param bytes - holds the pieces; may be a view of shared memory
   * @param ranges - pairs: start and end of a piece in `bytes`
   * @param digests - receives `digestSize` bytes for each piece, in the order of the pieces
   */
  readonly digestMany: (bytes: Uint8Array, ranges: ArrayLike<number>, digests: Uint8Array) => void;
  /**
   * Makes a `digestMany` for pieces of one memory, which are hashed in place, without a copy.
   *
   * @param memory - shared memory
   * @param scratchAt - offset in it of HASH_SCRATCH_SIZE bytes for exclusive use, a multiple of 16
   */
  readonly digesterOf: (memory: SharedMemory, scratchAt: number) => MemoryDigester;
}

/** Bytes of scratch memory that a MemoryDigester needs. */
export const HASH_SCRATCH_SIZE = KECCAK_SCRATCH_SIZE;

/** The default hash of new Stores. */
export const DEFAULT_HASH_NAME: HashName = 'sha3-256';

/** Maximum digest size of any hash function, in bytes. */
export const MAX_DIGEST_SIZE = 32;

// Enumerations 0..2 are the Python vt's; 3 and 4 are ours. A sealed Block contains its own name, so 4 does not hash its contents.
// node:crypto gives the same digests as @noble/hashes (a test compares them) and is 4 to 17 times as fast: sha3-256 of 16 KiB at 432
// MB/s instead of 26. The kernel is even faster.
const FUNCTIONS: readonly HashFunction[] = [
  plain('sha1', 0, 20, (data) => nodeHash('sha1', data, 'buffer'), cryptoWriter('sha1')),
  plain('sha256', 1, 32, (data) => nodeHash('sha256', data, 'buffer'), cryptoWriter('sha256')),
  plain('blake3', 2, 32, blake3Digest, writeBlake3Digest),
  {
    name: 'sha3-256',
    enumeration: 3,
    digestSize: 32,
    maxSize: MAX_BLOCK_SIZE,
    digest: sha3Digest,
    digestMany: sha3DigestMany,
    digesterOf: sha3DigesterOf,
  },
  { ...plain('sealed', 4, 32, sealedDigest, writeSealedDigest), maxSize: MAX_BLOCK_SIZE + SEALED_OVERHEAD },
];

function sealedDigest(data: Uint8Array): Uint8Array {
  const digest = Buffer.allocUnsafe(32);
  writeSealedDigest(data, digest, 0);
  return digest;
}

/** Makes a hash function that hashes pieces one after the other. */
function plain(name: HashName, enumeration: number, digestSize: number, digest: HashFunction['digest'], write: DigestWriter): HashFunction {
  const digestMany: HashFunction['digestMany'] = (bytes, ranges, digests) => digestEach(write, digestSize, bytes, ranges, digests);
  const digesterOf: HashFunction['digesterOf'] = ({ buffer }) => {
    const bytes = new Uint8Array(buffer);
    return (ranges, digests) => digestMany(bytes, ranges, digests);
  };
  return { name, enumeration, digestSize, maxSize: MAX_BLOCK_SIZE, digest, digestMany, digesterOf };
}

/** All hash names, in the order of their enumerations. */
export const HASH_NAMES: readonly HashName[] = FUNCTIONS.map((entry) => entry.name);

/** The hash names for the Blocks of trees: all but `sealed`. */
export const CONTENT_HASH_NAMES: readonly HashName[] = HASH_NAMES.filter((name) => name !== 'sealed');

/** Maximum bytes of any stored Block. */
export const MAX_STORED_SIZE: number = MAX_BLOCK_SIZE + SEALED_OVERHEAD;

const BY_NAME = new Map<string, HashFunction>(FUNCTIONS.map((entry) => [entry.name, entry]));

/**
 * Looks up a hash function by name.
 *
 * @throws {VtError} EUNSUPPORTED if there is no such function
 */
export function hashByName(name: string): HashFunction {
  const found = BY_NAME.get(name);
  if (found === undefined) {
    throw new VtError('EUNSUPPORTED', `look up hash "${name}": unknown`, { remedy: `use one of ${CONTENT_HASH_NAMES.join(', ')}` });
  }
  return found;
}

/** Looks up a hash function by its enumeration; undefined if there is none. */
export function hashByEnumeration(enumeration: number): HashFunction | undefined {
  return FUNCTIONS[enumeration];
}
