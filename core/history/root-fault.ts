import { CorruptBlockError, MissingBlockError, ParseError, type VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { EMPTY_BLOCK } from '../block/block.ts';
import type { BlockSource } from '../block/block-source.ts';
import { readDirBatches } from '../dirent/dir-codec.ts';
import type { Dirent } from '../dirent/dirent.ts';

/** Whether an error says that stored data cannot be read: a Block is missing or damaged, or does not follow its grammar. */
export function isUnreadable(error: unknown): error is VtError {
  return error instanceof MissingBlockError || error instanceof CorruptBlockError || error instanceof ParseError;
}

/**
 * Why nobody can enter a root: what its Dir begins with, or its table of hard links, cannot be read. What is below is not looked at.
 *
 * @returns undefined where it can be entered
 * @throws what the source throws for other reasons, as a lost connection
 */
export async function rootFault(source: BlockSource, root: Dirent, options: OpOptions = {}): Promise<VtError | undefined> {
  if (root.kind !== 'dir') return undefined;
  try {
    for (const block of [root.block, root.inodes ?? EMPTY_BLOCK]) for await (const _ of readDirBatches(source, block, options)) break;
    return undefined;
  } catch (error) {
    if (isUnreadable(error)) return error;
    throw error;
  }
}
