import { VtError } from '../base/errors.ts';
import type { DigestedBlock } from '../block/block-target.ts';
import type { HashFunction } from '../block/hash.ts';
import { isNoSealedDigest } from '../block/sealed-bytes.ts';
import type { Store } from './store.ts';

/**
 * Checks the sizes and digests of Blocks that are to be added to a Store, before any of them is.
 *
 * @throws {RangeError} for a Block beyond what its hash function allows, or a digest that is not of the Store's hash function
 * @throws {VtError} EPERM for plain Blocks where the Store is sealed
 */
export function checkBlocks(blocks: readonly DigestedBlock[], hash: HashFunction, store: string): void {
  for (const { data, digest } of blocks) {
    if (data.length > hash.maxSize) throw new RangeError(`add Block: expected at most ${hash.maxSize} bytes, got ${data.length}`);
    if (digest.length !== hash.digestSize)
      throw new RangeError(`add Block: expected a digest of ${hash.digestSize} bytes, got ${digest.length}`);
    checkDigests(digest, hash, store);
  }
}

/** The same of digests that come as columns. */
export function checkDigests(digests: Uint8Array, hash: HashFunction, store: string): void {
  if (hash.name !== 'sealed') return;
  for (let at = 0; at < digests.length; at += hash.digestSize)
    if (isNoSealedDigest(digests, at))
      throw new VtError('EPERM', `add to "${store}": the Store is sealed, and accepts only sealed Blocks`, wayToKey(store));
}

/** Sees that a tree of a Store can be read and written, which takes the key of a sealed one. @throws {VtError} EPERM */
export function requireKey({ name, hashName }: Pick<Store, 'name' | 'hashName'>, action: string): void {
  if (hashName === 'sealed') throw new VtError('EPERM', `${action}: Store "${name}" is sealed`, wayToKey(name));
}

function wayToKey(store: string): { readonly remedy: string } {
  return { remedy: `open it with its key, as sealed:KEYFILE:${store}` };
}
