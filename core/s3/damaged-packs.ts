import type { OpOptions } from '../base/op-options.ts';
import { digestKey } from '../block/digest-key.ts';
import type { BucketLayout, CheckedPack } from './bucket-layout.ts';
import type { IndexedPack } from './index-segment.ts';
import type { OpenBucket } from './open-bucket.ts';
import type { PackName } from './pack-names.ts';

/** All packs that are not retired. */
export async function livePacks(bucket: OpenBucket, options: OpOptions): Promise<ReadonlyMap<PackName, IndexedPack>> {
  const packs = new Map<PackName, IndexedPack>();
  for (const { key } of bucket.index.segments)
    for (const pack of (await bucket.index.segment(key, options)) ?? [])
      if (!bucket.index.retired.has(pack.name)) packs.set(pack.name, pack);
  return packs;
}

/** Reads a whole pack and verifies each Block. Reads it once more if it seems damaged: the fault may be in the transfer. */
export async function checkPack(layout: BucketLayout, pack: IndexedPack, options: OpOptions): Promise<CheckedPack> {
  const first = await layout.check(pack, options);
  return first.damaged.size === 0 ? first : await layout.check(pack, options);
}

/**
 * Copies the undamaged Blocks of damaged packs into others, and retires the damaged packs. All sessions then treat the damaged Blocks as
 * absent, so that the next put stores them again.
 *
 * @param packs - each with the digests of its damaged Blocks
 */
export async function retireDamaged(
  bucket: OpenBucket,
  packs: ReadonlyMap<PackName, { readonly pack: IndexedPack; readonly damaged: ReadonlySet<string> }>,
  options: OpOptions,
): Promise<void> {
  const isWhole = (digest: Uint8Array, name: PackName): boolean =>
    packs.get(name)?.damaged.has(digestKey(digest)) !== true && bucket.local.get(digest)?.file === name;
  await bucket.layout.keep(new Map([...packs].map(([name, { pack }]) => [name, pack.index])), isWhole, options);
  await bucket.adds.flush(options);
  bucket.adds.noteRetired(packs.keys());
  await bucket.index.retire([...packs.keys()], options);
}
