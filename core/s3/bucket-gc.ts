import { VtError } from '../base/errors.ts';
import { appendAll } from '../base/lists.ts';
import type { OpOptions } from '../base/op-options.ts';
import { GcMarks } from '../maintain/gc-mark.ts';
import { archiveRoots } from '../maintain/roots.ts';
import type { StoreView } from '../maintain/store-view.ts';
import { viewOf } from '../maintain/store-view.ts';
import { DATAFILE_HEADER_SIZE, RECORD_FIXED_SIZE } from '../store/records/datafile.ts';
import { compactSegments } from './compact-segments.ts';
import { listObjects } from './list-objects.ts';
import { liveSessions } from './live-sessions.ts';
import type { OpenBucket } from './open-bucket.ts';
import type { PackName } from './pack-names.ts';
import { packKey, packOfKey } from './pack-names.ts';
import type { S3Client } from './s3-client.ts';
import type { S3Store } from './s3-store.ts';

/** Octets of an entry of a pack's index behind its digest. */
const PLACE_SIZE = 16;
/** A pack of which less than this share is needed by nobody is left as it is: copying costs too. */
const MIN_WASTE = 0.2;
/** Octets of a pack that has no Blocks. */
const FIXED_SIZE = DATAFILE_HEADER_SIZE + 200;
/** So many packs with fewer octets than that are made one. */
const MANY_SMALL = 16;
const SMALL_SIZE = 1024 * 1024;
/** Objects removed at once. */
const AT_ONCE = 8;

export interface BucketGcOptions extends OpOptions {
  /** The Store whose Blocks lie in the bucket; default: the bucket itself. */
  readonly view?: StoreView;
  /** Packs that are younger stay, and retired ones stay so long, in milliseconds. */
  readonly graceMs: number;
  /** Tell what would be done, and do nothing. */
  readonly plan: boolean;
  /** Free everything where no archive has a root. */
  readonly rootless?: boolean;
  readonly onProgress?: (state: { readonly doing: string; readonly done: number }) => void;
}

/** What gc did, or would do. */
export interface BucketGcCounts {
  readonly roots: number;
  /** Blocks that are needed. */
  readonly liveBlocks: number;
  readonly packs: number;
  /** Packs that were removed: they had been retired for longer than the grace. */
  readonly removedPacks: number;
  readonly removedBytes: number;
  /** Packs that were retired: a gc after the grace removes them. */
  readonly retiredPacks: number;
  readonly retiredBytes: number;
  /** Octets of Blocks that were copied out of packs. */
  readonly copiedBytes: number;
  /** Packs that are too young to be looked at. */
  readonly youngPacks: number;
  /** Packs that the service does not let go of yet. */
  readonly lockedPacks: number;
  /** Sessions at work that give signs of life. */
  readonly sessions: number;
  /** What of the roots cannot be read, and never will be. */
  readonly unreadable: readonly string[];
}

interface PackUse {
  readonly size: number;
  readonly modifiedMs: number;
  /** Octets of its records that are needed, and of their entries in its index. */
  live: number;
}

/**
 * Removes Blocks that no root of any archive reaches, in two phases, so that it can be killed anywhere beside readers and writers:
 *
 * 1. What the roots reach is marked. Of packs that hold much that is not needed the rest is copied into other packs, and then they are
 *    retired: a list says so. Sessions see it at their next flush, and store again what they had counted on.
 * 2. A later gc looks for lists that are older than the grace, by the clock of the service. Where no session has been at work since
 *    before such a list, it marks anew, copies what is needed all the same, and removes the packs.
 */
export async function gcBucket(store: S3Store, options: BucketGcOptions): Promise<BucketGcCounts> {
  const { onProgress, graceMs, plan, view = viewOf(store) } = options;
  await store.flush(options);
  const { client, bucket } = await store.internals(options);
  await bucket.ready(options);
  const began = await liveSessions(client, options);
  await bucket.index.read(true, options);
  const marks = new GcMarks(view, (rootsOptions) => archiveRoots(view.store, rootsOptions), {
    signal: options.signal,
    onProgress: ({ blocks }) => onProgress?.({ doing: 'mark', done: blocks }),
  });
  await marks.walk();
  const uses = await usesOf(client, bucket, marks, options);
  if (options.rootless !== true && uses.size > 0) marks.requireRoot();
  const nowMs = client.serverMs;

  const expired = new Set<PackName>();
  for (const { packs, modifiedMs } of bucket.index.retiredLists)
    if (nowMs - modifiedMs >= graceMs && began.every((startMs) => startMs > modifiedMs))
      for (const pack of packs) if (uses.has(pack)) expired.add(pack);
  const isOld = ({ modifiedMs }: PackUse): boolean => nowMs - modifiedMs >= graceMs;
  const candidates = [...uses].filter(([name]) => !bucket.index.retired.has(name));
  const small = candidates.filter(([, use]) => isOld(use) && use.size < SMALL_SIZE);
  const wasteful = candidates.filter(
    ([, use]) =>
      isOld(use) && (use.live < (1 - MIN_WASTE) * (use.size - FIXED_SIZE) || (small.length >= MANY_SMALL && use.size < SMALL_SIZE)),
  );

  const sum = (packs: Iterable<readonly [PackName, PackUse]>, of: (use: PackUse) => number): number => {
    let total = 0;
    for (const [, use] of packs) total += of(use);
    return total;
  };
  const removed = [...uses].filter(([name]) => expired.has(name));
  const locked = plan ? 0 : await removePacks(client, bucket, store, marks, expired, uses, options);
  if (!plan) {
    await copyNeeded(bucket, store, marks, wasteful, options);
    if (wasteful.length > 0)
      await bucket.index.retire(
        wasteful.map(([name]) => name),
        options,
      );
    await bucket.index.mergeLists(
      (list) => nowMs - list.modifiedMs >= graceMs && list.packs.every((pack) => expired.has(pack) || !uses.has(pack)),
      options,
    );
    await compactSegments(
      client,
      bucket.index,
      (name) => bucket.index.retired.has(name) && (expired.has(name) || !uses.has(name)),
      options,
    );
  }
  return {
    roots: marks.roots,
    liveBlocks: marks.count,
    packs: uses.size,
    removedPacks: expired.size - locked,
    removedBytes: sum(removed, ({ size }) => size),
    retiredPacks: wasteful.length,
    retiredBytes: sum(wasteful, ({ size }) => size),
    copiedBytes: sum(wasteful, ({ live }) => live),
    youngPacks: candidates.filter(([, use]) => !isOld(use)).length,
    lockedPacks: locked,
    sessions: began.length,
    unreadable: marks.unreadable,
  };
}

/** Every pack in the bucket, and how much of it is needed. */
async function usesOf(client: S3Client, bucket: OpenBucket, marks: GcMarks, options: OpOptions): Promise<Map<PackName, PackUse>> {
  const uses = new Map<PackName, PackUse>();
  for await (const { key, size, modifiedMs } of listObjects(client, 'packs/', options)) {
    const name = packOfKey(key);
    if (name !== undefined) uses.set(name, { size, modifiedMs, live: 0 });
  }
  for (const [digest, { file, storedSize }] of bucket.local.entries()) {
    if (!marks.has(digest)) continue;
    const use = uses.get(file);
    if (use === undefined)
      throw new VtError('ECORRUPT', `gc: pack "${file}" has Blocks that are needed, and is not there`, { remedy: 'nothing was removed' });
    use.live += storedSize + RECORD_FIXED_SIZE + 2 * digest.length + PLACE_SIZE;
  }
  return uses;
}

/** Copies what is needed of packs into others, and makes that known. */
async function copyNeeded(
  bucket: OpenBucket,
  store: S3Store,
  marks: GcMarks,
  packs: readonly (readonly [PackName, PackUse])[],
  options: OpOptions,
): Promise<void> {
  for (const [name, { live }] of packs) {
    if (live === 0) continue;
    const isNeeded = (digest: Uint8Array): boolean => marks.has(digest) && bucket.local.get(digest)?.file === name;
    if (!(await bucket.copyOut(name, isNeeded, options)))
      throw new VtError('ECORRUPT', `gc: pack "${name}" has Blocks that are needed, and cannot be read`, {
        remedy: 'repair the Store first; the pack was not removed',
      });
  }
  await store.flush(options);
}

/** Removes packs, after what is needed of them all the same was copied. @returns how many the service keeps */
async function removePacks(
  client: S3Client,
  bucket: OpenBucket,
  store: S3Store,
  marks: GcMarks,
  expired: ReadonlySet<PackName>,
  uses: ReadonlyMap<PackName, PackUse>,
  options: OpOptions,
): Promise<number> {
  const names = [...expired];
  await copyNeeded(
    bucket,
    store,
    marks,
    names.flatMap((name) => {
      const use = uses.get(name);
      return use === undefined ? [] : [[name, use] as const];
    }),
    options,
  );
  const removals: boolean[] = [];
  for (let first = 0; first < names.length; first += AT_ONCE)
    appendAll(
      removals,
      await Promise.all(names.slice(first, first + AT_ONCE).map(async (name) => await client.delete(packKey(name), options))),
    );
  return removals.filter((isRemoved) => !isRemoved).length;
}
