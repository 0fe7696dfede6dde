import { digestKey } from '../block/digest-key.ts';
import type { Needed, RepairCounts, RepairOptions } from '../maintain/repair-store.ts';
import { repairStore } from '../maintain/repair-store.ts';
import type { StoreView } from '../maintain/store-view.ts';
import { viewOf } from '../maintain/store-view.ts';
import { walkBucket } from './bucket-walk.ts';
import { checkPack, livePacks, retireDamaged } from './damaged-packs.ts';
import type { IndexedPack } from './index-segment.ts';
import type { PackName } from './pack-names.ts';
import type { S3Store } from './s3-store.ts';

/**
 * Restores missing or damaged Blocks that the roots of a Store in a bucket need. It finds them in this machine's cache of the
 * Store, in other Stores, or in local files with the same bytes. Packs with damaged Blocks are retired, after their other
 * Blocks were copied.
 */
export async function repairBucket(store: S3Store, options: RepairOptions): Promise<RepairCounts> {
  const { signal, onProgress, view = viewOf(store) } = options;
  await store.flush({ signal });
  const { bucket } = await store.internals({ signal });
  await bucket.ready({ signal });
  await bucket.index.read({ signal });
  return await repairStore(
    {
      view,
      walk: async (onFinding) =>
        await walkBucket(bucket, {
          signal,
          view,
          survey: await bucket.layout.survey({ signal }),
          onFinding,
          onProgress: (entries) => onProgress?.({ doing: 'roots', done: entries }),
        }),
      setAside: async (needed) => await setAside(store, view, needed, options),
      fromOwn: async (needed, found) => {
        for (const hashcode of [...needed.values()]) {
          const digest = view.nameOf(hashcode.digest);
          const data = await bucket.reads.keptHere({ hashName: store.hashName, digest });
          if (data === undefined) continue;
          await store.addBatch([{ digest, data }], { signal });
          found(hashcode, 'what this machine has kept of the Store');
        }
      },
      flush: async () => await store.flush({ signal }),
    },
    options,
  );
}

/** Retires packs with needed Blocks that are damaged, and packs that do not exist. */
async function setAside(store: S3Store, { nameOf }: StoreView, needed: Needed, { signal }: RepairOptions): Promise<void> {
  const { bucket } = await store.internals({ signal });
  const names = [...needed.values()].map(({ digest }) => nameOf(digest));
  const wanted = new Set(names.flatMap((name) => bucket.local.get(name)?.file ?? []));
  const found = new Map<PackName, { readonly pack: IndexedPack; readonly damaged: ReadonlySet<string> }>();
  for (const [name, pack] of await livePacks(bucket, { signal })) {
    if (!wanted.has(name)) continue;
    const { damaged } = await checkPack(bucket.layout, pack, { signal });
    if (names.some((digest) => damaged.has(digestKey(digest)))) found.set(name, { pack, damaged: new Set(damaged.keys()) });
  }
  if (found.size > 0) await retireDamaged(bucket, found, { signal });
}
