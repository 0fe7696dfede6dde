import type { HashFunction } from '../../block/hash.ts';

// The keys of single-Block objects: `blocks/HEX.HASH`. @see vt(5), "Stores in buckets"

/** Their prefix. Everything below it may be public; other keys may not, since they reveal roots. */
export const BLOCKS = 'blocks/';

/** The key of a Block. */
export function blockKey(digest: Uint8Array, hash: Pick<HashFunction, 'name'>): string {
  return `${BLOCKS}${Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString('hex')}.${hash.name}`;
}

/** The digest of a Block, from the key of its object; undefined if it is no such key. */
export function digestOfBlockKey(key: string, hash: Pick<HashFunction, 'name' | 'digestSize'>): Buffer | undefined {
  const digest = Buffer.from(key.slice(BLOCKS.length), 'hex');
  return digest.length === hash.digestSize && blockKey(digest, hash) === key ? digest : undefined;
}
