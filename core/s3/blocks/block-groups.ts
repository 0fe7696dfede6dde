import { randomUUID } from 'node:crypto';
import type { HashFunction } from '../../block/hash.ts';
import { RECORD_FIXED_SIZE } from '../../store/records/datafile.ts';
import { DatafileIndex, PlaceList } from '../../store/records/datafile-index.ts';
import type { IndexedPack } from '../index-segment.ts';
import type { PackKind } from '../pack-names.ts';
import { packName } from '../pack-names.ts';

/** Maximum number of Blocks in a pack: the unit of verification and retirement. */
const MAX_COUNT = 4096;

/** A Block that is an object. */
export interface BlockObject {
  readonly kind: PackKind;
  readonly digest: Uint8Array;
  readonly size: number;
}

/** Groups single-Block objects into packs for the index. Each Block's offset is that in its own object. */
export function* packsOf(blocks: Iterable<BlockObject>, hash: HashFunction): Generator<IndexedPack> {
  const open = new Map<PackKind, { readonly places: PlaceList; size: number }>();
  const complete = (kind: PackKind, { places, size }: { readonly places: PlaceList; readonly size: number }): IndexedPack => {
    const parts = [...places.records()].map((record) => record.subarray(RECORD_FIXED_SIZE + hash.digestSize));
    return { name: packName(kind, randomUUID()), size, index: new DatafileIndex(hash.digestSize, parts) };
  };
  for (const { kind, digest, size } of blocks) {
    const group = open.get(kind) ?? { places: new PlaceList(hash.digestSize), size: 0 };
    open.set(kind, group);
    group.places.add(digest, { offset: 0, storedSize: size, size, codec: 'none' });
    group.size += size;
    if (group.places.count < MAX_COUNT) continue;
    yield complete(kind, group);
    open.delete(kind);
  }
  for (const [kind, group] of open) yield complete(kind, group);
}
