import { CorruptBlockError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { digestKey, digestOfKey } from '../block/digest-key.ts';
import type { HashCode } from '../block/hashcode.ts';
import type { Finding } from '../maintain/findings.ts';
import { walkRoots } from '../maintain/harm-walk.ts';
import type { BlockFault } from '../maintain/reach.ts';
import { archiveRoots } from '../maintain/roots.ts';
import type { StoreView } from '../maintain/store-view.ts';
import type { BucketSurvey } from './bucket-layout.ts';
import type { OpenBucket } from './open-bucket.ts';

/** Options of {@link walkBucket}. */
export interface BucketWalkOptions extends OpOptions {
  readonly view: StoreView;
  /** The existing objects. */
  readonly survey: BucketSurvey;
  readonly onFinding: (finding: Finding) => void;
  readonly onProgress?: ((entries: number) => void) | undefined;
}

type WalkCounts = Awaited<ReturnType<typeof walkRoots>>;

/**
 * Walks every root of a Store in a bucket and reports damaged paths. Blocks that list others are read and verified; content Blocks are
 * looked up. The cache on this machine is bypassed. Blocks that only a retired pack has are read: their damage may be why it was retired.
 */
export async function walkBucket(bucket: OpenBucket, options: BucketWalkOptions): Promise<WalkCounts> {
  return await bucket.reads.passingBy(async () => await walkBoth(bucket, options));
}

async function walkBoth(bucket: OpenBucket, options: BucketWalkOptions): Promise<WalkCounts> {
  const suspects = new Set<string>();
  const counts = await walk(bucket, options, (digest) => {
    const location = bucket.local.get(digest);
    if (location === undefined || !options.survey.has(digest, location)) return 'missing';
    if (location.isDamaged === true) suspects.add(digestKey(digest));
    return undefined;
  });
  const damaged = new Set<string>();
  for (const key of suspects) {
    try {
      const found = await bucket.reads.get({ hashName: options.view.below.hashName, digest: digestOfKey(key) }, options);
      if (found === undefined) damaged.add(key);
    } catch (error) {
      if (!(error instanceof CorruptBlockError)) throw error;
      damaged.add(key);
    }
  }
  if (damaged.size > 0) {
    // Do not report findings of the first walk again.
    const onFinding = (finding: Finding): void => {
      const name = finding.kind === 'harm' && finding.hashcode !== undefined ? options.view.nameOf(finding.hashcode.digest) : undefined;
      if (name !== undefined && damaged.has(digestKey(name))) options.onFinding(finding);
    };
    await walk(bucket, { ...options, onFinding }, (digest) => (damaged.has(digestKey(digest)) ? 'damaged' : undefined));
  }
  return counts;
}

async function walk(
  bucket: OpenBucket,
  { view, onFinding, onProgress, signal }: BucketWalkOptions,
  leaf: (name: Uint8Array) => BlockFault | undefined,
): Promise<WalkCounts> {
  return await walkRoots(
    {
      store: view.store,
      roots: (rootsOptions) => archiveRoots(view.store, rootsOptions),
      leaf: ({ digest }: HashCode) => leaf(view.nameOf(digest)),
      locate: (digest) => {
        const name = view.nameOf(digest);
        const found = bucket.local.get(name);
        return found === undefined ? undefined : { file: bucket.layout.keyOf(name, found), offset: found.offset };
      },
    },
    { signal, onFinding, onProgress: ({ entries }) => onProgress?.(entries) },
  );
}
