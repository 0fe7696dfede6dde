import type { BlockLocation } from '../block-location.ts';
import { capability } from '../capability.ts';
import type { Store } from '../store.ts';
import type { ProxyCopies } from './proxy-copies.ts';

/**
 * Locates Blocks in the local files of several Stores, each in the first Store that has it.
 *
 * @param first - Stores that are read first
 * @param second - Stores whose Blocks `copies` also copies to others
 * @param spans - the Blocks' sizes in octets, if known
 */
export function locateAmong(
  first: readonly Store[],
  second: readonly Store[],
  copies: ProxyCopies,
  digests: readonly Uint8Array[],
  spans: readonly number[] | undefined,
): (BlockLocation | undefined)[] {
  const found = new Array<BlockLocation | undefined>(digests.length).fill(undefined);
  for (const store of first) locateIn(store, digests, spans, found, digests.length);
  for (const store of second) {
    if (!copies.canKeepOf(store)) continue;
    copies.keepLocated(store, locateIn(store, digests, spans, found, copies.room));
  }
  return found;
}

/** Locates up to `most` of the Blocks without a location in one Store. @returns the digests of the located ones */
function locateIn(
  store: Store,
  digests: readonly Uint8Array[],
  spans: readonly number[] | undefined,
  found: (BlockLocation | undefined)[],
  most: number,
): Uint8Array[] {
  const locator = capability(store, 'location');
  if (locator === undefined) return [];
  const open = [...found.keys()].filter((i) => found[i] === undefined).slice(0, most);
  if (open.length === 0) return [];
  const isAll = open.length === digests.length;
  const asked = isAll ? digests : open.map((i) => digests[i] ?? new Uint8Array());
  const located = locator.locate(asked, isAll ? spans : undefined);
  return open.flatMap((i, k) => {
    found[i] = located[k];
    return located[k] === undefined ? [] : [asked[k] ?? new Uint8Array()];
  });
}
