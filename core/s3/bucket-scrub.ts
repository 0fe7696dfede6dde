import { throwIfCancelled } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { PRIVATE_ACCESS } from '../base/system/store-files.ts';
import type { Finding } from '../maintain/findings.ts';
import type { ScrubCounts } from '../maintain/scrub.ts';
import { readScrubbed, writeScrubbed } from '../maintain/scrub-record.ts';
import type { StoreView } from '../maintain/store-view.ts';
import { viewOf } from '../maintain/store-view.ts';
import { walkBucket } from './bucket-walk.ts';
import { checkPack, livePacks, retireDamaged } from './damaged-packs.ts';
import type { IndexedPack } from './index-segment.ts';
import type { PackName } from './pack-names.ts';
import type { S3Store } from './s3-store.ts';

/** Options of {@link scrubBucket}. */
export interface BucketScrubOptions extends OpOptions {
  /** The Store on top of the bucket, as a sealed one; default: the bucket itself. */
  readonly view?: StoreView;
  readonly onFinding: (finding: Finding) => void;
  /** Stop after this many milliseconds. */
  readonly budgetMs?: number;
  /** Check this share of the octets, 0..1, beginning with packs that were never checked, or longest ago. */
  readonly subset?: number;
  /** The current time in seconds since 1970. */
  readonly nowSeconds: () => number;
  readonly monotonicMs: () => number;
  readonly onProgress?: (state: { readonly doneBytes: number; readonly totalBytes: number }) => void;
}

/**
 * Reads packs and verifies each Block, beginning with the packs verified longest ago. It can be limited to a time or a share. This machine
 * records when each pack was verified. A pack with damaged Blocks is retired, after its other Blocks were copied.
 */
export async function scrubBucket(store: S3Store, options: BucketScrubOptions): Promise<ScrubCounts> {
  const { onFinding, onProgress, view = viewOf(store) } = options;
  await store.flush(options);
  const { bucket } = await store.internals(options);
  await bucket.ready(options);
  await bucket.index.read(options);
  const packs = await livePacks(bucket, options);
  const verified = new Map(readScrubbed(bucket.folder).map(({ file, when }) => [file, when]));
  const whenOf = (name: PackName): number => verified.get(name) ?? 0;
  const rest = [...packs.values()].sort((a, b) => whenOf(a.name) - whenOf(b.name));
  const totalBytes = rest.reduce((sum, { size }) => sum + size, 0);
  const until = options.monotonicMs() + (options.budgetMs ?? Number.POSITIVE_INFINITY);
  const maxBytes = options.subset === undefined ? Number.POSITIVE_INFINITY : Math.ceil(options.subset * totalBytes);
  const found = new Map<PackName, { readonly pack: IndexedPack; readonly damaged: ReadonlySet<string> }>();
  let bytes = 0;
  let blocks = 0;
  let damagedBlocks = 0;
  while (rest.length > 0 && bytes < maxBytes && options.monotonicMs() < until) {
    throwIfCancelled(options.signal);
    const pack = rest.shift();
    if (pack === undefined) break;
    const checked = await checkPack(bucket.layout, pack, options);
    bytes += checked.bytes ?? 0;
    blocks += pack.index.count - checked.damaged.size;
    damagedBlocks += checked.damaged.size;
    verified.set(pack.name, options.nowSeconds());
    if (checked.damaged.size > 0) found.set(pack.name, { pack, damaged: new Set(checked.damaged.keys()) });
    const [first] = checked.damaged.values();
    if (checked.bytes === undefined)
      onFinding({ kind: 'data', file: first?.key ?? pack.name, start: 0, end: pack.size, reason: 'the object is missing' });
    else
      for (const { key, start, end } of checked.damaged.values())
        onFinding({ kind: 'data', file: key, start, end, reason: 'the bytes there are damaged' });
    onProgress?.({ doneBytes: bytes, totalBytes: Math.min(totalBytes, maxBytes) });
  }
  if (found.size > 0) {
    if (store.isWritable) await retireDamaged(bucket, found, options);
    await walkBucket(bucket, { signal: options.signal, view, survey: await bucket.layout.survey(options), onFinding });
  }
  const kept = [...packs.values()].filter(({ name }) => whenOf(name) > 0 && !found.has(name));
  writeScrubbed(
    bucket.folder,
    PRIVATE_ACCESS,
    kept.map(({ name, size }) => ({ file: name, start: 0, end: size, when: whenOf(name) })),
  );
  const neverBytes = rest.filter(({ name }) => whenOf(name) === 0).reduce((sum, { size }) => sum + size, 0);
  const oldest =
    neverBytes > 0 || kept.length === 0
      ? undefined
      : kept.reduce((least, { name }) => Math.min(least, whenOf(name)), Number.POSITIVE_INFINITY);
  return { bytes, blocks, totalBytes, neverBytes, oldest, damagedBlocks, salvagedBlocks: 0 };
}
