import type { Block } from '../block/block.ts';
import type { BlockSource } from '../block/block-source.ts';
import { digestKey } from '../block/digest-key.ts';
import { leavesOf } from '../block/tree-walk.ts';

/** Rows of a map, about: small neighbours are joined beyond that. */
const MAX_DRAWN = 2000;

/** A part of a content. `once`: a first occurrence; `again`: a repeated Block; `run`: not a stored Block. */
export interface MappedLeaf {
  readonly start: number;
  readonly size: number;
  readonly kind: 'once' | 'again' | 'run';
}

/** The leaves of a content in order; neighbours may be joined. */
export async function blockMap(source: BlockSource, block: Block, signal: AbortSignal): Promise<readonly MappedLeaf[]> {
  const seen = new Set<string>();
  const map: MappedLeaf[] = [];
  const least = block.span / MAX_DRAWN;
  for await (const { block: leaf, start, size } of leavesOf(source, block, { signal })) {
    const kind = leaf.kind !== 'hash' ? 'run' : seen.has(digestKey(leaf.hashcode.digest)) ? 'again' : 'once';
    if (leaf.kind === 'hash') seen.add(digestKey(leaf.hashcode.digest));
    const last = map.at(-1);
    if (last !== undefined && (last.size < least || (last.kind === kind && kind === 'run')))
      map[map.length - 1] = { ...last, size: last.size + size, kind: last.size < size ? kind : last.kind };
    else map.push({ start, size, kind });
  }
  return map;
}
