import { VtError } from '../../../core/base/errors.ts';
import { openMap } from '../../../core/transition/open-transition.ts';
import { RenamedStore } from '../../../core/transition/renamed-store.ts';
import { Transcriber } from '../../../core/transition/transcriber.ts';
import type { CommandContext } from '../../command.ts';
import type { Exchange } from './exchange.ts';

// Exchanges with a peer that has another hash function: the sending Store is wrapped to appear converted.

/**
 * Calls `use` with an exchange in which both Stores have one hash function; states are converted as their archive is read.
 *
 * @throws {VtError} EFAILED under `-n`, since the converted names are not known before the copy
 */
export async function withRenamed(context: CommandContext, exchange: Exchange, use: (exchange: Exchange) => Promise<void>): Promise<void> {
  const { session, diagnostics, signal } = context;
  const { direction, peer, how } = exchange;
  if (how.plan)
    throw new VtError('EFAILED', `${direction} -n: the names under another hash function are not known before the copy`, {
      remedy: 'transition -n prints how much there is to copy',
    });
  const isPull = direction === 'pull';
  const [source, target] = isPull ? [peer.store, session.store] : [session.store, peer.store];
  const { map } = await openMap(source, target, { signal });
  await using _map = map;
  await using transcriber = new Transcriber(source, target, map, {
    signal,
    onProgress: ({ blocks, bytes }) => diagnostics.progress({ label: direction, doneBytes: bytes, doneItems: blocks }),
  });
  const renamed = new RenamedStore(source, target, transcriber);
  await use(isPull ? { ...exchange, peer: { ...peer, store: renamed } } : { ...exchange, how: { ...how, here: renamed } });
}
