import type { OpOptions } from '../base/op-options.ts';
import type { Finding } from '../maintain/findings.ts';
import type { StoreView } from '../maintain/store-view.ts';
import { viewOf } from '../maintain/store-view.ts';
import { walkBucket } from './bucket-walk.ts';
import type { S3Store } from './s3-store.ts';

/** Options of {@link fsckBucket}. */
export interface BucketFsckOptions extends OpOptions {
  /** The Store on top of the bucket, as a sealed one; default: the bucket itself. */
  readonly view?: StoreView;
  /** Rebuild this machine's index first. */
  readonly rebuilds: boolean;
  readonly onFinding: (finding: Finding) => void;
  readonly onProgress?: (state: { readonly doing: string; readonly done: number }) => void;
}

/** Numbers of the objects that were checked. */
export interface BucketFsckCounts {
  readonly roots: number;
  readonly dirs: number;
  readonly entries: number;
  /** Packs in the index, their octets and Blocks. */
  readonly packs: number;
  readonly bytes: number;
  readonly blocks: number;
}

/**
 * Checks the structure of a Store in a bucket by listings. Every pack in an index segment must exist with all its
 * octets, and every root must be complete. Blocks that list others are read and verified; content Blocks are only looked up.
 */
export async function fsckBucket(store: S3Store, options: BucketFsckOptions): Promise<BucketFsckCounts> {
  const { onFinding, onProgress, signal, view = viewOf(store) } = options;
  await store.flush(options);
  const { bucket } = await store.internals(options);
  if (options.rebuilds) bucket.local.reset();
  await bucket.ready(options);
  await bucket.index.read(options);
  const { layout } = bucket;
  const survey = await layout.survey(options);
  const counts = { packs: 0, bytes: 0, blocks: 0 };
  for (const { key } of bucket.index.segments) {
    for (const pack of (await bucket.index.segment(key, options)) ?? []) {
      if (bucket.index.retired.has(pack.name)) continue;
      counts.packs++;
      counts.bytes += pack.size;
      counts.blocks += pack.index.count;
      for (const { key: file, size, reason } of layout.lacks(pack, survey)) onFinding({ kind: 'data', file, start: 0, end: size, reason });
    }
    onProgress?.({ doing: 'packs', done: counts.bytes });
  }
  const reached = await walkBucket(bucket, {
    signal,
    view,
    survey,
    onFinding,
    onProgress: (entries) => onProgress?.({ doing: 'roots', done: entries }),
  });
  return { ...counts, roots: reached.roots, dirs: reached.dirs, entries: reached.entries };
}
