import { VtError } from '../base/errors.ts';
import type { DigestedBlock } from '../block/block-target.ts';
import type { HashFunction } from '../block/hash.ts';
import { isNoSealedDigest } from '../block/sealed-bytes.ts';
import type { Store } from './store.ts';

/**
 * Checks the sizes of all Blocks and digests before they are added to a Store.
 *
 * @throws {RangeError} if a Block is too large for its hash function, or a digest does not have the size of the Store's hash function
 * @throws {VtError} EPERM if the Store is sealed and the Blocks are not
 */
export function checkBlocks(blocks: readonly DigestedBlock[], hash: HashFunction, store: string): void {
  for (const { data, digest } of blocks) {
    if (data.length > hash.maxSize) throw new RangeError(`add Block: expected at most ${hash.maxSize} bytes, got ${data.length}`);
    if (digest.length !== hash.digestSize)
      throw new RangeError(`add Block: expected a digest of ${hash.digestSize} bytes, got ${digest.length}`);
    checkDigests(digest, hash, store);
  }
}

/** Checks concatenated digests. @throws {VtError} EPERM if the Store is sealed and a Block is not */
export function checkDigests(digests: Uint8Array, hash: HashFunction, store: string): void {
  if (hash.name !== 'sealed') return;
  for (let at = 0; at < digests.length; at += hash.digestSize)
    if (isNoSealedDigest(digests, at))
      throw new VtError('EPERM', `add to "${store}": the Store is sealed, and accepts only sealed Blocks`, wayToKey(store));
}

/** Makes sure that a Store's trees are accessible. @throws {VtError} EPERM if the Store is sealed and its key is missing */
export function requireKey({ name, hashName }: Pick<Store, 'name' | 'hashName'>, action: string): void {
  if (hashName === 'sealed') throw new VtError('EPERM', `${action}: Store "${name}" is sealed`, wayToKey(name));
}

function wayToKey(store: string): { readonly remedy: string } {
  return { remedy: `open it with its key, as sealed:KEYFILE:${store}` };
}
