import { createHmac } from 'node:crypto';
import type { BlockKeyOctets } from '../store/capabilities.ts';
import { KeyedDigests } from './keyed-digests.ts';

/** What Blocks are sealed by. */
export interface BlockKeys {
  /** From the digest of a Block to its name. */
  readonly names: KeyedDigests;
  /** From the name of a Block to the key of its bytes. */
  readonly contents: KeyedDigests;
}

/** The keys of a sealed Store, each for one purpose. @see vt(5), "Sealed Stores" */
export interface SealKeys extends BlockKeys {
  /** Tells Stores of one master key: 16 hex digits. */
  readonly id: string;
  /** The keys of Blocks, as sent to workers. */
  readonly octets: BlockKeyOctets;
  /** What keys of a local cache, names of archives and notes are looked up by. */
  readonly lookups: Buffer;
  /** Keys of small values, by what they are. */
  readonly values: Readonly<Record<ValueKind, Buffer>>;
}

/** What is sealed besides Blocks. */
export type ValueKind = 'archive' | 'entry' | 'cache' | 'journal';

/** The keys that come of a master key of 32 octets. */
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

/** The keys of Blocks, ready to be used. */
export function blockKeysOf({ names, contents }: BlockKeyOctets): BlockKeys {
  return { names: new KeyedDigests(names), contents: new KeyedDigests(contents) };
}

/** A key for one purpose: HMAC-SHA3-256 of `vtftp sealed 1: PURPOSE`. */
export function derivedKey(key: Uint8Array, purpose: string): Buffer {
  return createHmac('sha3-256', key).update(`vtftp sealed 1: ${purpose}`, 'latin1').digest();
}

/** What something is looked up by, in place of itself. @param kind - what it is */
export function lookupOf({ lookups }: Pick<SealKeys, 'lookups'>, kind: string, octets: Uint8Array): Buffer {
  return createHmac('sha3-256', lookups).update(`${kind}:`, 'latin1').update(octets).digest();
}
