import { createHmac } from 'node:crypto';
import type { BlockKeyOctets } from '../store/capabilities.ts';
import { KeyedDigests } from './keyed-digests.ts';

/** The keys for sealing Blocks. */
export interface BlockKeys {
  /** Computes the name of a Block from its digest. */
  readonly names: KeyedDigests;
  /** Computes the encryption key of a Block from its name. */
  readonly contents: KeyedDigests;
}

/** The keys of a sealed Store, each for one purpose. @see vt(5), "Sealed Stores" */
export interface SealKeys extends BlockKeys {
  /** Identifies the master key: 16 hex digits. */
  readonly id: string;
  /** The keys of Blocks, as sent to workers. */
  readonly octets: BlockKeyOctets;
  /** The key that hides look-up keys: of the local cache, archive names and notes. */
  readonly lookups: Buffer;
  /** Keys of small values, by their kind. */
  readonly values: Readonly<Record<ValueKind, Buffer>>;
}

/** Kinds of small sealed values. */
export type ValueKind = 'archive' | 'entry' | 'cache' | 'journal';

/** Derives all keys from a master key of 32 octets. */
export function sealKeys(master: Uint8Array): SealKeys {
  const derived = (purpose: string): Buffer => derivedKey(master, purpose);
  const octets = { names: derived('names'), contents: derived('contents') };
  return {
    ...blockKeysOf(octets),
    octets,
    id: derived('id').toString('hex').slice(0, 16),
    lookups: derived('lookups'),
    values: { archive: derived('archive'), entry: derived('entry'), cache: derived('cache'), journal: derived('journal') },
  };
}

/** Prepares the keys of Blocks for use. */
export function blockKeysOf({ names, contents }: BlockKeyOctets): BlockKeys {
  return { names: new KeyedDigests(names), contents: new KeyedDigests(contents) };
}

/** Derives a key for one purpose: HMAC-SHA3-256 of `vtftp sealed 1: PURPOSE`. */
export function derivedKey(key: Uint8Array, purpose: string): Buffer {
  return createHmac('sha3-256', key).update(`vtftp sealed 1: ${purpose}`, 'latin1').digest();
}

/** Hides a look-up key, deterministically. @param kind - its kind: equal octets of different kinds get different results */
export function lookupOf({ lookups }: Pick<SealKeys, 'lookups'>, kind: string, octets: Uint8Array): Buffer {
  return createHmac('sha3-256', lookups).update(`${kind}:`, 'latin1').update(octets).digest();
}
