import { UsageError, VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsFromText } from '../../../core/base/octets.ts';
import { capability } from '../../../core/store/capability.ts';
import type { CommandContext } from '../../command.ts';
import type { Exchange } from './exchange.ts';
import { exchangeArchive } from './exchange.ts';

// Which archives are pushed or pulled.

/** Moves the newest state of each named archive, by default of the open one; with `all` every state of all archives. */
export async function exchangeAll(context: CommandContext, exchange: Exchange, args: readonly Octets[], all: boolean): Promise<void> {
  const { session, signal, diagnostics } = context;
  const { direction, how } = exchange;
  if (all && args.length > 0) throw new UsageError(`${direction} --all: takes no names`);
  const open = session.archiveName === undefined ? undefined : octetsFromText(session.archiveName);
  const names = all ? await namesOf(context, exchange) : args.length > 0 || open === undefined ? args : [open];
  if (names.length === 0)
    throw new VtError('EFAILED', `${direction}: the open tree has no archive`, { remedy: `${direction} --blocks-only takes paths` });
  if (!how.plan && open !== undefined && names.includes(open) && session.tree.can.sync) {
    await session.sync(signal);
    await session.refresh(signal);
  }
  const { exchangeStates } = await import('./exchange-states.ts');
  for (const name of names) {
    try {
      await (all ? exchangeStates : exchangeArchive)(context, name, exchange);
    } catch (error) {
      // The other archives continue.
      if (names.length === 1 || signal.aborted || !(error instanceof Error)) throw error;
      diagnostics.failure(error);
    }
  }
  // Pulled states are durable: the session continues with the newest.
  if (all && direction === 'pull' && !how.plan) await session.refresh(signal);
}

/** The names of the archives on the sending side. */
async function namesOf({ session, signal }: CommandContext, { direction, peer }: Exchange): Promise<Octets[]> {
  const { store } = direction === 'push' ? session : peer;
  const names = await capability(store, 'archives')?.list?.({ signal });
  if (names !== undefined) return names.map(octetsFromText);
  throw new VtError('EFAILED', `${direction} --all: Store "${store.name}" does not list its archives`, {
    remedy: `name them: ${direction} NAME…`,
  });
}
