import type { OpOptions } from '../base/op-options.ts';
import { digestKey } from '../block/digest-key.ts';
import type { HashFunction } from '../block/hash.ts';
import { decodeStored } from '../store/records/stored-bytes.ts';
import type { IndexedPack } from './index-segment.ts';
import type { OpenBucket } from './open-bucket.ts';
import { MAX_PACK_SIZE } from './pack-index.ts';
import type { PackName } from './pack-names.ts';
import { packKey } from './pack-names.ts';
import type { S3Client } from './s3-client.ts';

/** Every pack that is not retired. */
export async function livePacks(bucket: OpenBucket, options: OpOptions): Promise<ReadonlyMap<PackName, IndexedPack>> {
  const packs = new Map<PackName, IndexedPack>();
  for (const { key } of bucket.index.segments)
    for (const pack of (await bucket.index.segment(key, options)) ?? [])
      if (!bucket.index.retired.has(pack.name)) packs.set(pack.name, pack);
  return packs;
}

/** What reading a pack came to. */
export interface CheckedPack {
  /** Octets of the object; undefined where it is not there. */
  readonly bytes: number | undefined;
  /** Its Blocks that are damaged, by digest, and where they lie. */
  readonly damaged: ReadonlyMap<string, { readonly start: number; readonly end: number }>;
}

/** Reads all of a pack, and verifies each Block. What seems damaged is read once more: the way may be at fault. */
export async function checkPack(client: S3Client, hash: HashFunction, pack: IndexedPack, options: OpOptions): Promise<CheckedPack> {
  const first = await readPack(client, hash, pack, options);
  return first.damaged.size === 0 ? first : await readPack(client, hash, pack, options);
}

async function readPack(client: S3Client, hash: HashFunction, { name, index }: IndexedPack, options: OpOptions): Promise<CheckedPack> {
  const body = await client.get(packKey(name), { ...options, maxSize: MAX_PACK_SIZE });
  const damaged = new Map<string, { start: number; end: number }>();
  for (const [digest, { offset, storedSize, size, codec }] of index.entries()) {
    const end = offset + storedSize;
    const stored = body?.subarray(offset, end);
    const data = stored?.length === storedSize && (codec === 'none' || codec === 'zlib') ? decodeStored(stored, codec, size) : undefined;
    if (data === undefined || Buffer.compare(hash.digest(data), digest) !== 0) damaged.set(digestKey(digest), { start: offset, end });
  }
  return { bytes: body?.length, damaged };
}

/**
 * Copies what is whole of damaged packs into others, and retires them: what is damaged then counts as absent for everybody, so that the
 * next put stores it anew.
 *
 * @param packs - each with the digests of what is damaged
 */
export async function retireDamaged(
  bucket: OpenBucket,
  packs: ReadonlyMap<PackName, { readonly pack: IndexedPack; readonly damaged: ReadonlySet<string> }>,
  options: OpOptions,
): Promise<void> {
  for (const { pack, damaged } of packs.values()) {
    const isWhole = (digest: Uint8Array): boolean => !damaged.has(digestKey(digest)) && bucket.local.get(digest)?.file === pack.name;
    await bucket.copyBlocks(pack, isWhole, options);
  }
  await bucket.adds.flush(options);
  bucket.adds.noteRetired(packs.keys());
  await bucket.index.retire([...packs.keys()], options);
}
