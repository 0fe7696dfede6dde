import type { OpOptions } from '../base/op-options.ts';
import type { HashCode } from '../block/hashcode.ts';
import type { Finding } from '../maintain/findings.ts';
import { walkRoots } from '../maintain/harm-walk.ts';
import type { BlockFault } from '../maintain/reach.ts';
import { archiveRoots } from '../maintain/roots.ts';
import type { StoreView } from '../maintain/store-view.ts';
import { viewOf } from '../maintain/store-view.ts';
import { listObjects } from './list-objects.ts';
import type { PackName } from './pack-names.ts';
import { packKey, packOfKey } from './pack-names.ts';
import type { S3Store } from './s3-store.ts';

export interface BucketFsckOptions extends OpOptions {
  /** The Store whose Blocks lie in the bucket; default: the bucket itself. */
  readonly view?: StoreView;
  /** Make this machine's index anew first. */
  readonly rebuilds: boolean;
  readonly onFinding: (finding: Finding) => void;
  readonly onProgress?: (state: { readonly doing: string; readonly done: number }) => void;
}

/** What was looked at. */
export interface BucketFsckCounts {
  readonly roots: number;
  readonly dirs: number;
  readonly entries: number;
  /** Packs that the index tells of, their octets and Blocks. */
  readonly packs: number;
  readonly bytes: number;
  readonly blocks: number;
}

/**
 * Checks the structure of a Store in a bucket by listings. Every pack that a segment tells of must be there with all its
 * octets, and every root must be complete. Blocks that list others are read and verified; those of contents are looked up.
 */
export async function fsckBucket(store: S3Store, options: BucketFsckOptions): Promise<BucketFsckCounts> {
  const { onFinding, onProgress, signal, view = viewOf(store) } = options;
  await store.flush(options);
  const { client, bucket } = await store.internals(options);
  if (options.rebuilds) bucket.local.reset();
  await bucket.ready(options);
  await bucket.index.read(true, options);
  const sizes = new Map<PackName, number>();
  for await (const { key, size } of listObjects(client, 'packs/', options)) {
    const name = packOfKey(key);
    if (name !== undefined) sizes.set(name, size);
  }
  const counts = { packs: 0, bytes: 0, blocks: 0 };
  for (const { key } of bucket.index.segments) {
    for (const { name, size, index } of (await bucket.index.segment(key, options)) ?? []) {
      if (bucket.index.retired.has(name)) continue;
      counts.packs++;
      counts.bytes += size;
      counts.blocks += index.count;
      const found = sizes.get(name);
      if (found === size) continue;
      const reason = found === undefined ? 'the object is not there' : `the object has ${found} octets`;
      onFinding({ kind: 'data', file: packKey(name), start: 0, end: size, reason });
    }
    onProgress?.({ doing: 'packs', done: counts.bytes });
  }
  const leaf = ({ digest }: HashCode): BlockFault | undefined => {
    const location = bucket.local.get(view.nameOf(digest));
    return location === undefined || location.offset + location.storedSize > (sizes.get(location.file) ?? 0) ? 'missing' : undefined;
  };
  const reached = await walkRoots(
    {
      store: view.store,
      roots: (rootsOptions) => archiveRoots(view.store, rootsOptions),
      leaf,
      locate: (digest) => {
        const found = bucket.local.get(view.nameOf(digest));
        return found === undefined ? undefined : { file: packKey(found.file), offset: found.offset };
      },
    },
    { signal, onFinding, onProgress: ({ entries }) => onProgress?.({ doing: 'roots', done: entries }) },
  );
  return { ...counts, roots: reached.roots, dirs: reached.dirs, entries: reached.entries };
}
