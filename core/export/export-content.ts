import { VtError } from '../base/errors.ts';
import type { Block, IndirectBlock } from '../block/block.ts';
import { UNKNOWN_SPAN } from '../block/block.ts';
import type { Leaf } from '../block/tree-walk.ts';
import { leavesOf, readSuperblock } from '../block/tree-walk.ts';
import type { Store } from '../store/store.ts';
import type { Segment } from './export-batch.ts';

/** The part of a leaf Block that is a piece of a file. */
export type Piece = Pick<Leaf, 'block' | 'from' | 'size'>;

/** The pieces of a Block that is its own only leaf, or undefined where its tree has to be walked. */
export function piecesAtOnce(block: Block): readonly Piece[] | undefined {
  if (block.span === 0) return [];
  if (block.span === UNKNOWN_SPAN) return undefined;
  if (block.kind === 'hash' || block.kind === 'literal' || block.kind === 'run') return [{ block, from: 0, size: block.span }];
  return undefined;
}

/** The pieces of a Block of moderate size, its superblocks read. */
export async function piecesOf(source: Store, block: Block, signal?: AbortSignal): Promise<readonly Piece[]> {
  if (block.kind === 'indirect') {
    const flat = flatPieces(block, await readSuperblock(source, block, signal));
    if (flat !== undefined) return flat;
  }
  const pieces: Piece[] = [];
  for await (const { block: leaf, from, size } of leavesOf(source, block, { signal })) pieces.push({ block: leaf, from, size });
  return pieces;
}

/** The pieces of a superblock that lists leaves alone and says what its reference says: that of most files. */
function flatPieces(block: IndirectBlock, refs: readonly Block[]): readonly Piece[] | undefined {
  const pieces: Piece[] = [];
  let span = 0;
  for (const leaf of refs) {
    if (leaf.kind === 'indirect' || leaf.kind === 'sub' || leaf.span === UNKNOWN_SPAN) return undefined;
    span += leaf.span;
    if (leaf.span > 0) pieces.push({ block: leaf, from: 0, size: leaf.span });
  }
  return span === block.span ? pieces : undefined;
}

/**
 * Segments for lists of pieces, the Store asked once for where all their Blocks lie. A list with a Block that has no
 * known location gives undefined: its content has to come through the Store.
 */
export function segmentsOf(store: Store, lists: readonly (readonly Piece[])[]): (readonly Segment[] | undefined)[] {
  if (store.locate === undefined) throw new VtError('EUNSUPPORTED', `locate Blocks in "${store.name}": it does not tell`);
  const digests: Uint8Array[] = [];
  const spans: number[] = [];
  for (const pieces of lists) {
    for (const { block } of pieces) {
      if (block.kind !== 'hash' || block.hashcode.hashName !== store.hashName) continue;
      digests.push(block.hashcode.digest);
      spans.push(block.span);
    }
  }
  const locations = digests.length === 0 ? [] : store.locate(digests, spans);
  let next = 0;
  return lists.map((pieces) => {
    const segments: Segment[] = [];
    let isWhole = true;
    for (const { block, from, size } of pieces) {
      if (block.kind === 'run') segments.push({ kind: 'run', octet: block.octet, size });
      else if (block.kind === 'literal') segments.push({ kind: 'data', data: block.data.subarray(from, from + size) });
      else if (block.hashcode.hashName !== store.hashName) isWhole = false;
      else {
        const location = locations[next++];
        if (location === undefined || location.size !== block.span) isWhole = false;
        else segments.push({ kind: 'stored', digest: block.hashcode.digest, location, from, size });
      }
    }
    return isWhole ? segments : undefined;
  });
}
