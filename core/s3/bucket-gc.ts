import { VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { GcMarks } from '../maintain/gc-mark.ts';
import { archiveRoots } from '../maintain/roots.ts';
import type { StoreView } from '../maintain/store-view.ts';
import { viewOf } from '../maintain/store-view.ts';
import type { BucketSurvey, LayoutName, SurveyedPack } from './bucket-layout.ts';
import { compactSegments } from './compact-segments.ts';
import { liveSessions } from './live-sessions.ts';
import type { OpenBucket } from './open-bucket.ts';
import type { PackName } from './pack-names.ts';
import { renewRetention } from './renew-retention.ts';
import type { S3Store } from './s3-store.ts';

/** A pack is not rewritten if less than this share of its octets is unneeded: copying costs too. */
const MIN_WASTE = 0.2;

/** Options of {@link gcBucket}. */
export interface BucketGcOptions extends OpOptions {
  /** The Store on top of the bucket, as a sealed one; default: the bucket itself. */
  readonly view?: StoreView;
  /** Grace period in milliseconds: younger packs are kept, and retired ones are kept this long. */
  readonly graceMs: number;
  /** Only report what gc would do. */
  readonly plan: boolean;
  /** Free everything if no archive has a root. */
  readonly rootless?: boolean;
  readonly onProgress?: (state: { readonly doing: string; readonly done: number }) => void;
}

/** What gc did, or would do. Objects are packs or single Blocks. */
export interface BucketGcCounts {
  readonly layout: LayoutName;
  readonly roots: number;
  /** Number of needed Blocks. */
  readonly liveBlocks: number;
  /** Number of existing objects. */
  readonly objects: number;
  /** Objects that were removed, because they were retired longer ago than the grace period. */
  readonly removedObjects: number;
  readonly removedBytes: number;
  /** Objects that were retired: a gc after the grace period removes them. */
  readonly retiredObjects: number;
  readonly retiredBytes: number;
  /** Octets of Blocks that were copied out of packs. */
  readonly copiedBytes: number;
  /** Objects that are younger than the grace period. */
  readonly youngObjects: number;
  /** Objects that the service does not allow to be removed yet. */
  readonly lockedObjects: number;
  /** Number of live sessions. */
  readonly sessions: number;
  /** The parts of roots that are unreadable for good. */
  readonly unreadable: readonly string[];
}

/** A pack and how much of it is needed. */
interface PackUse extends SurveyedPack {
  /** Octets of its needed Blocks, with the overhead of each. */
  live: number;
  /** Number of Blocks known to be in it, and of the needed ones among them. */
  blocks: number;
  liveBlocks: number;
}

/**
 * Removes Blocks that no archive root reaches. It works in two phases, so that it can run beside readers and writers, and can be killed:
 *
 * 1. It marks the Blocks that the roots reach. It copies the needed Blocks of packs with much waste into other packs, and retires these
 *    packs in a list. Sessions read the list at their next flush, and add the Blocks again that they rely on.
 * 2. A later gc looks for lists older than the grace period, by the service's clock. If no live session began before such a list, it
 *    marks again, copies Blocks that are needed after all, and removes the packs.
 */
export async function gcBucket(store: S3Store, options: BucketGcOptions): Promise<BucketGcCounts> {
  const { onProgress, graceMs, plan, view = viewOf(store) } = options;
  await store.flush(options);
  const { client, hash, bucket } = await store.internals(options);
  const { index, layout } = bucket;
  await bucket.ready(options);
  const began = await liveSessions(client, options);
  await index.read(options);
  const marks = new GcMarks(view, (rootsOptions) => archiveRoots(view.store, rootsOptions), {
    signal: options.signal,
    onProgress: ({ blocks }) => onProgress?.({ doing: 'mark', done: blocks }),
  });
  await marks.walk();
  const survey = await layout.survey(options);
  const uses = usesOf(bucket, survey, marks);
  if (options.rootless !== true && uses.size > 0) marks.requireRoot();
  const nowMs = client.serverMs;

  const expired = new Map<PackName, PackUse>();
  for (const { packs, modifiedMs } of index.retiredLists) {
    if (nowMs - modifiedMs < graceMs || began.some((startMs) => startMs <= modifiedMs)) continue;
    for (const pack of packs) {
      const use = uses.get(pack);
      if (use !== undefined) expired.set(pack, use);
    }
  }
  const isOld = ({ modifiedMs }: { readonly modifiedMs: number }): boolean => nowMs - modifiedMs >= graceMs;
  const { fixed, many, small: smallSize } = layout.sizes;
  const candidates = [...uses].filter(([name]) => !index.retired.has(name));
  const small = candidates.filter(([, use]) => isOld(use) && use.size < smallSize);
  const wasteful = new Map(
    candidates.filter(
      ([, use]) => isOld(use) && (use.live < (1 - MIN_WASTE) * (use.size - fixed) || (small.length >= many && use.size < smallSize)),
    ),
  );
  const strays = survey.strays.filter(isOld);

  let locked = 0;
  if (!plan) {
    await keepNeeded(bucket, store, marks, expired, options);
    const removed = await layout.remove(new Set(expired.keys()), (digest) => marks.has(digest), options);
    locked = removed.lockedCount;
    await keepNeeded(bucket, store, marks, wasteful, options);
    if (wasteful.size > 0) await index.retire([...wasteful.keys()], options);
    if (strays.length > 0) await layout.retireStrays?.(strays, async (pack) => await index.retire([pack], options), options);
    const isGone = (pack: PackName): boolean => (expired.has(pack) && !removed.locked.has(pack)) || !uses.has(pack);
    await index.mergeLists((list) => nowMs - list.modifiedMs >= graceMs && list.packs.every(isGone), options);
    await compactSegments(client, index, (name) => index.retired.has(name) && isGone(name), options);
    const isRetired = (pack: PackName): boolean => index.retired.has(pack);
    await renewRetention({ client, hash, isRetired, isNeeded: (digest) => marks.has(digest) }, options);
  }
  const isPacked = layout.name === 'packs';
  /** The number and octets of objects: of all for packs, of the unneeded ones for single Blocks. */
  const sum = (packs: Iterable<PackUse>): { readonly objects: number; readonly bytes: number } => {
    let [objects, bytes] = [0, 0];
    for (const use of packs) {
      objects += isPacked ? 1 : use.blocks - use.liveBlocks;
      bytes += isPacked ? use.size : use.size - use.live;
    }
    return { objects, bytes };
  };
  const [removed, retired] = [sum(expired.values()), sum(wasteful.values())];
  return {
    layout: layout.name,
    roots: marks.roots,
    liveBlocks: marks.count,
    objects: isPacked ? uses.size : [...uses.values()].reduce((count, { blocks }) => count + blocks, survey.strays.length),
    removedObjects: removed.objects - locked,
    removedBytes: removed.bytes,
    retiredObjects: retired.objects + strays.length,
    retiredBytes: retired.bytes + strays.reduce((bytes, { size }) => bytes + size, 0),
    copiedBytes: isPacked ? [...wasteful.values()].reduce((bytes, { live }) => bytes + live, 0) : 0,
    youngObjects: sum(candidates.flatMap(([, use]) => (isOld(use) ? [] : [use]))).objects + survey.strays.length - strays.length,
    lockedObjects: locked,
    sessions: began.length,
    unreadable: marks.unreadable,
  };
}

/** Every pack in the bucket and how much of it is needed. */
function usesOf(bucket: OpenBucket, survey: BucketSurvey, marks: GcMarks): Map<PackName, PackUse> {
  const uses = new Map<PackName, PackUse>(
    [...survey.packs].map(([name, found]) => [name, { ...found, live: 0, blocks: 0, liveBlocks: 0 }]),
  );
  for (const [digest, location] of bucket.local.entries()) {
    const { file, storedSize } = location;
    const use = uses.get(file);
    const isThere = survey.has(digest, location);
    if (use !== undefined && isThere) use.blocks++;
    if (!marks.has(digest)) continue;
    if (use === undefined || !isThere)
      throw new VtError('ECORRUPT', `gc: object "${bucket.layout.keyOf(digest, location)}" has needed Blocks, and is missing`, {
        remedy: 'nothing was removed; repair the Store first',
      });
    use.live += bucket.layout.sizes.ofBlock(storedSize, digest.length);
    use.liveBlocks++;
  }
  return uses;
}

/** Copies the needed Blocks of packs into other packs, and publishes these. */
async function keepNeeded(
  bucket: OpenBucket,
  store: S3Store,
  marks: GcMarks,
  packs: ReadonlyMap<PackName, PackUse>,
  options: OpOptions,
): Promise<void> {
  const used = new Map([...packs].flatMap(([name, { live }]) => (live === 0 ? [] : [[name, undefined] as const])));
  if (used.size === 0) return;
  const isNeeded = (digest: Uint8Array, pack: PackName): boolean => marks.has(digest) && bucket.local.get(digest)?.file === pack;
  const missing = await bucket.layout.keep(used, isNeeded, options);
  if (missing !== undefined)
    throw new VtError('ECORRUPT', `gc: pack "${missing}" has needed Blocks, and cannot be read`, {
      remedy: 'the pack was not removed; repair the Store first',
    });
  await store.flush(options);
}
