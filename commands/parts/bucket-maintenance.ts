import { VtError } from '../../core/base/errors.ts';
import type { StoreView } from '../../core/maintain/store-view.ts';
import type { S3Store } from '../../core/s3/s3-store.ts';
import { layerOf } from '../../core/store/capability.ts';
import type { Store } from '../../core/store/store.ts';
import type { CommandContext } from '../command.ts';
import { countText, sizeText } from './format.ts';
import { FindingsReport } from './maintenance.ts';

// gc and fsck of a Store in a bucket.

/** Default grace time of packs, in milliseconds: longer than any session runs without renewing its entry. */
export const BUCKET_GRACE_MS = 86_400_000;

/** A Store in a bucket, and the Store whose Blocks are in it. */
export interface BucketInView {
  readonly bucket: S3Store;
  readonly view: StoreView;
}

/** The bucket Store that a Store is, or in which it is sealed; undefined for any other Store. */
export async function bucketOf(store: Store): Promise<BucketInView | undefined> {
  const [{ S3Store }, { viewOf }] = await Promise.all([import('../../core/s3/s3-store.ts'), import('../../core/maintain/store-view.ts')]);
  const view = viewOf(store);
  const bucket = layerOf(view.below, S3Store);
  return bucket === undefined ? undefined : { bucket, view };
}

/** Runs gc in a bucket and reports its result. */
export async function gcOfBucket(
  context: CommandContext,
  { bucket, view }: BucketInView,
  choice: { readonly graceMs: number; readonly plan: boolean; readonly rootless: boolean },
): Promise<void> {
  const { plan } = choice;
  const { output, diagnostics, signal } = context;
  const { gcBucket } = await import('../../core/s3/bucket-gc.ts');
  const startMs = performance.now();
  const counts = await gcBucket(bucket, {
    signal,
    view,
    ...choice,
    onProgress: ({ doing, done }) => diagnostics.progress({ label: `gc: ${doing}`, doneBytes: 0, doneItems: done }),
  });
  const seconds = (performance.now() - startMs) / 1000;
  const isPacked = counts.layout === 'packs';
  const unit = isPacked ? 'packs' : 'objects';
  output.record({
    ...(plan ? { plan: true } : {}),
    [`removed_${unit}`]: counts.removedObjects,
    removed_bytes: counts.removedBytes,
    [`retired_${unit}`]: counts.retiredObjects,
    retired_bytes: counts.retiredBytes,
    copied_bytes: counts.copiedBytes,
    [unit]: counts.objects,
    [`young_${unit}`]: counts.youngObjects,
    [`locked_${unit}`]: counts.lockedObjects,
    live_blocks: counts.liveBlocks,
    roots: counts.roots,
    sessions: counts.sessions,
    ...(counts.unreadable.length > 0 ? { unreadable: counts.unreadable } : {}),
    seconds: Number(seconds.toFixed(3)),
  });
  const objects = (count: number): string => countText(count, isPacked ? 'pack' : 'object');
  const parts = [
    `${plan ? 'would remove' : 'removed'} ${objects(counts.removedObjects)} (${sizeText(counts.removedBytes)}) of ${counts.objects}`,
    `${plan ? 'would retire' : 'retired'} ${objects(counts.retiredObjects)} (${sizeText(counts.retiredBytes)}), for a later gc`,
    ...(counts.copiedBytes > 0 ? [`${sizeText(counts.copiedBytes)} ${plan ? 'to be copied' : 'copied'}`] : []),
    ...(counts.youngObjects > 0 ? [`${objects(counts.youngObjects)} too young`] : []),
    ...(counts.lockedObjects > 0 ? [`${objects(counts.lockedObjects)} locked by the service`] : []),
    `${countText(counts.liveBlocks, 'Block')} of ${countText(counts.roots, 'root')} stay`,
    `${seconds.toFixed(2)} s`,
  ];
  output.line(parts.join('; '));
  for (const text of counts.unreadable) diagnostics.warn(`gc: ${text}; gc keeps it, but not the Blocks that it lists`);
  if (counts.sessions > 0)
    output.line(`${countText(counts.sessions, 'session is', 'sessions are')} running: objects retired since they began stay`);
  if (counts.unreadable.length > 0)
    throw new VtError('EPARTIAL', `gc: ${countText(counts.unreadable.length, 'Dir')} cannot be read`, {
      remedy: 'gc --drop ARCHIVE@N removes a root',
    });
}

/** Checks the structure of a bucket Store and reports the findings. @param rebuilds - whether to rebuild the index */
export async function fsckOfBucket(context: CommandContext, { bucket, view }: BucketInView, rebuilds: boolean): Promise<void> {
  const { output, diagnostics, signal } = context;
  const { fsckBucket } = await import('../../core/s3/bucket-fsck.ts');
  const report = await FindingsReport.make(context);
  const startMs = performance.now();
  const counts = await fsckBucket(bucket, {
    signal,
    view,
    rebuilds,
    onFinding: (finding) => report.add(finding),
    onProgress: ({ doing, done }) =>
      diagnostics.progress({ label: `fsck ${doing}`, ...(doing === 'roots' ? { doneBytes: 0, doneItems: done } : { doneBytes: done }) }),
  });
  const seconds = (performance.now() - startMs) / 1000;
  output.record({
    fsck: report.faults === 0 ? 'clean' : 'faults',
    faults: report.faults,
    packs: counts.packs,
    bytes: counts.bytes,
    blocks: counts.blocks,
    roots: counts.roots,
    dirs: counts.dirs,
    entries: counts.entries,
    seconds: Number(seconds.toFixed(3)),
  });
  output.line(
    `${countText(counts.roots, 'root')}, ${countText(counts.entries, 'entry', 'entries')}, ${countText(counts.blocks, 'Block')} in ${countText(counts.packs, 'pack')} (${sizeText(counts.bytes)}): ${report.faults === 0 ? 'clean' : countText(report.faults, 'fault')}; ${seconds.toFixed(2)} s`,
  );
  report.end('fsck');
}
