import { throwIfCancelled, type VtError } from '../base/errors.ts';
import type { Block } from '../block/block.ts';
import type { BlockSource } from '../block/block-source.ts';
import { hashcodeLabel } from '../block/hashcode.ts';
import { MAX_TREE_DEPTH, readHashBlock, readSuperblock } from '../block/tree-walk.ts';
import { isDamage } from './walk.ts';

/** An unreadable Block of a content. */
export interface DamagedBlock {
  /** The Block's hashcode as in messages; empty for a superblock that is inside its reference. */
  readonly hashcode: string;
  readonly error: VtError;
}

/**
 * Reads a whole content, and yields each missing or damaged Block once, in order. A damaged superblock represents all Blocks below it.
 * A Store that notes damage then knows all of it, and accepts these Blocks again.
 */
export async function* damagedBlocks(source: BlockSource, top: Block, signal?: AbortSignal): AsyncGenerator<DamagedBlock, void, undefined> {
  const seen = new Set<string>();
  const waiting: { readonly block: Block; readonly depth: number }[] = [{ block: top, depth: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    throwIfCancelled(signal);
    const { block, depth } = next;
    if (block.kind === 'sub') waiting.push({ block: block.base, depth: depth + 1 });
    if (block.kind !== 'hash' && block.kind !== 'indirect') continue;
    const named = block.kind === 'hash' ? block : block.refs;
    const hashcode = named.kind === 'hash' ? hashcodeLabel(named.hashcode) : '';
    if (hashcode !== '' && seen.has(hashcode)) continue;
    seen.add(hashcode);
    try {
      if (block.kind === 'hash') await readHashBlock(source, block, signal);
      else if (depth < MAX_TREE_DEPTH)
        for (const child of (await readSuperblock(source, block, signal)).reverse()) waiting.push({ block: child, depth: depth + 1 });
    } catch (error) {
      if (!isDamage(error)) throw error;
      yield { hashcode, error };
    }
  }
}
