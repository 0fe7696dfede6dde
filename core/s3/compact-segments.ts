import { appendAll } from '../base/lists.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { BucketIndex, SegmentObject } from './bucket-index.ts';
import type { IndexedPack } from './index-segment.ts';
import type { PackName } from './pack-names.ts';
import { PACK_KINDS } from './pack-names.ts';
import type { S3Client } from './s3-client.ts';

/** A segment with fewer octets counts as small. */
const SMALL_SIZE = 1024 * 1024;
/** This many small segments are merged into one. */
const MANY = 16;

/**
 * Merges small index segments if there are many, and drops removed packs from all segments. The merged segment is stored before the
 * originals are removed, so that every listing covers all packs.
 */
export async function compactSegments(
  client: S3Client,
  index: BucketIndex,
  isGone: (pack: PackName) => boolean,
  options: OpOptions,
): Promise<void> {
  await index.read(options);
  for (const kind of PACK_KINDS) {
    const segments = index.segments.filter((segment) => segment.kind === kind);
    const small = segments.filter(({ size }) => size < SMALL_SIZE);
    const packs: IndexedPack[] = [];
    const merged: SegmentObject[] = [];
    for (const segment of segments) {
      const found = await index.segment(segment.key, options);
      if (found === undefined) continue;
      const rest = found.filter(({ name }) => !isGone(name));
      if (rest.length === found.length && !(small.length >= MANY && small.includes(segment))) continue;
      appendAll(packs, rest);
      merged.push(segment);
    }
    if (packs.length > 0) await index.publish(packs, () => undefined, options);
    for (const { key } of merged) await client.delete(key, options);
  }
}
