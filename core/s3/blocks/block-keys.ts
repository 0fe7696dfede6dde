import type { HashFunction } from '../../block/hash.ts';

// The keys of Blocks that are objects of their own: `blocks/HEX.HASH`. @see vt(5), "Stores in buckets"

/** What they begin with. A bucket may be open to everybody below it: what lies elsewhere tells of roots. */
export const BLOCKS = 'blocks/';

/** The key of a Block. */
export function blockKey(digest: Uint8Array, hash: Pick<HashFunction, 'name'>): string {
  return `${BLOCKS}${Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString('hex')}.${hash.name}`;
}

/** The digest of the Block whose object has a key; undefined for no such key. */
export function digestOfBlockKey(key: string, hash: Pick<HashFunction, 'name' | 'digestSize'>): Buffer | undefined {
  const digest = Buffer.from(key.slice(BLOCKS.length), 'hex');
  return digest.length === hash.digestSize && blockKey(digest, hash) === key ? digest : undefined;
}
