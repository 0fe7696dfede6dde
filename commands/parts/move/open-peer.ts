import { UsageError, VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsToText } from '../../../core/base/octets.ts';
import type { Peer } from '../../../core/openers/peer-table.ts';
import type { CommandContext } from '../../command.ts';
import type { Direction } from './move-blocks.ts';

/**
 * Opens the peer that a command names; without a word it is the only one.
 *
 * @param mayMake - whether a missing Store may be created
 * @returns the peer; `isOurs` if it was opened here, so that the caller must dispose of its Store
 * @throws {UsageError} for an unknown peer
 * @throws {VtError} EOPEN
 */
export async function openPeer(
  { session, shell, signal }: CommandContext,
  command: Direction | 'publish',
  word: true | Octets | undefined,
  mayMake: boolean,
): Promise<{ readonly peer: Peer; readonly isOurs: boolean }> {
  const name = word === undefined || word === true ? undefined : octetsToText(word);
  if (name === undefined || session.peers.get(name) !== undefined) return { peer: session.peers.require(name, command), isOurs: false };
  if (/^[\w.@-]+$/.test(name))
    throw new UsageError(`${command}: there is no peer "${name}"`, { remedy: `add one: peer STORE; for a folder type ./${name}` });
  try {
    return { peer: { name, specification: name, store: await shell.openStore(name, { signal, mayMake }) }, isOurs: true };
  } catch (error) {
    if (
      command === 'pull' ||
      mayMake ||
      !(error instanceof VtError) ||
      error.code !== 'EOPEN' ||
      !/no such|not a Store/.test(error.message)
    )
      throw error;
    throw new VtError('EOPEN', `${command}: ${error.message}`, {
      cause: error,
      remedy: command === 'push' ? '--create makes the Store' : 'push --create makes the Store',
    });
  }
}
