import type { OpOptions } from '../base/op-options.ts';
import type { HashFunction } from '../block/hash.ts';
import type { AddResult, Store } from './store.ts';

/** Adds a Block to a Store as a batch of one. */
export async function addOne(
  store: Pick<Store, 'addBatch'>,
  hash: HashFunction,
  data: Uint8Array,
  options?: OpOptions,
): Promise<AddResult> {
  const digest = hash.digest(data);
  const [isNew = false] = await store.addBatch([{ digest, data }], options);
  return { hashcode: { hashName: hash.name, digest }, isNew };
}
