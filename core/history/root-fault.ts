import { CorruptBlockError, MissingBlockError, ParseError, type VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { EMPTY_BLOCK } from '../block/block.ts';
import type { BlockSource } from '../block/block-source.ts';
import { readDirBatches } from '../dirent/dir-codec.ts';
import type { Dirent } from '../dirent/dirent.ts';

/** Whether an error means that stored data cannot be read: a Block is missing, damaged, or malformed. */
export function isUnreadable(error: unknown): error is VtError {
  return error instanceof MissingBlockError || error instanceof CorruptBlockError || error instanceof ParseError;
}

/**
 * Finds out why a root cannot be opened: the beginning of its Dir or of its table of hard links is unreadable. Deeper damage is not looked
 * for.
 *
 * @returns the error; undefined if the root can be opened or is not a Dir
 * @throws other errors of the source, such as a lost connection
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
