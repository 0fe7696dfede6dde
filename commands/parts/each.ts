import type { VtErrorCode } from '../../core/base/errors.ts';
import { VtError } from '../../core/base/errors.ts';
import { EventTurns } from '../../core/base/event-turns.ts';
import { isDamage } from '../../core/tree/walk.ts';
import type { CommandContext } from '../command.ts';

/**
 * Runs an action for each item. A failed item is reported and the others continue; the command then ends with EPARTIAL
 * (exit status 3). The error of a single item is thrown unchanged. If all items fail, the command fails.
 */
export async function forEachItem<T>(
  context: Pick<CommandContext, 'diagnostics' | 'signal'>,
  items: readonly T[],
  action: (item: T) => Promise<void>,
): Promise<void> {
  let damage: VtError | undefined;
  const turns = new EventTurns();
  const failed: unknown[] = [];
  for (const item of items) {
    await turns.next(context.signal);
    try {
      await action(item);
    } catch (error) {
      const isOwn = error instanceof VtError && !ENDS_ALL.includes(error.code);
      if (items.length === 1 || context.signal.aborted || !(isOwn || isSystemError(error))) throw error;
      // EUNSUPPORTED may concern the item itself, not damage.
      if (isDamage(error) && error.code !== 'EUNSUPPORTED') damage ??= error;
      failed.push(error);
      context.diagnostics.failure(error);
    }
  }
  // Damage has an exit status of its own, which "done in part" would hide.
  if (damage !== undefined) throw new VtError(damage.code, 'done in part: stored data is missing or damaged', { cause: damage });
  if (failed.length > 0 && failed.length === items.length)
    throw new VtError(commonCode(failed), `nothing done, all ${items.length} items failed`, { cause: failed[0] });
}

/** Errors after which the next item would fail, too. */
const ENDS_ALL: readonly VtErrorCode[] = ['ECANCELLED', 'EREADONLY', 'EFULL'];

/** The common code of errors, so that a lack of rights stays "not permitted"; EFAILED for different codes. */
function commonCode(errors: readonly unknown[]): VtErrorCode {
  const codes = new Set(errors.map((error) => (error instanceof VtError ? error.code : 'EFAILED')));
  const [code = 'EFAILED'] = codes;
  return codes.size === 1 ? code : 'EFAILED';
}

function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error;
}
