import { isFullError } from '../../core/base/system/full-error.ts';
import { errorReason } from '../../core/base/system/system-error.ts';
import type { TreePath } from '../../core/tree/path.ts';
import type { TreeContext } from '../command.ts';

/**
 * Sees to it that what is at a path is in a recorded state before it is removed or replaced, so that `undo` brings it back. On a full disk that
 * is reported, and what makes room continues.
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
