import { isFullError } from '../../core/base/system/full-error.ts';
import { errorReason } from '../../core/base/system/system-error.ts';
import type { TreePath } from '../../core/tree/path.ts';
import type { TreeContext } from '../command.ts';

/**
 * Makes sure that the entry at a path is in a recorded state before it is removed or replaced, so that `undo` can restore it. If the
 * disk is full, this only warns, so that removals which free space continue.
 */
export async function recordBefore({ session, diagnostics, signal }: TreeContext, path: TreePath): Promise<void> {
  try {
    await session.recordBefore(path, signal);
  } catch (error) {
    if (!isFullError(error)) throw error;
    diagnostics.warn(
      `the tree cannot be recorded before the removal (${errorReason(error)}): undo will not bring back changes since the last root`,
    );
  }
}
