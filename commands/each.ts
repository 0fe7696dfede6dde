import { VtError } from '../core/base/errors.ts';
import type { CommandContext } from './command.ts';
import { isDamage } from './damage.ts';

/**
 * Does something for each of several items: one that fails is told and the rest go on, so that the command ends in
 * part (exit 3). A single one fails as it is.
 */
export async function forEachItem<T>(
  context: Pick<CommandContext, 'diagnostics' | 'signal'>,
  items: readonly T[],
  action: (item: T) => Promise<void>,
): Promise<void> {
  let damage: VtError | undefined;
  for (const item of items) {
    try {
      await action(item);
    } catch (error) {
      const isOwn = error instanceof VtError && error.code !== 'ECANCELLED' && error.code !== 'EREADONLY';
      if (items.length === 1 || context.signal.aborted || !(isOwn || isSystemError(error))) throw error;
      if (isDamage(error)) damage ??= error;
      context.diagnostics.failure(error);
    }
  }
  // Damage has an exit status of its own, which "done in part" would hide.
  if (damage !== undefined) throw new VtError(damage.code, 'done in part: Blocks are missing or damaged', { cause: damage });
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
