import { VtError } from '../../core/base/errors.ts';
import type { TreeContext } from '../command.ts';
import type { LocalSession } from '../session.ts';

/**
 * The session of a shell on this machine, for the part of a command that clients of a mount may not run.
 *
 * @param action - what is refused to them, for the message
 * @throws {VtError} EPERM for a client of a mount
 */
export function localSession({ local }: Pick<TreeContext, 'local'>, action: string): LocalSession {
  if (local === undefined)
    throw new VtError('EPERM', `${action}: not allowed over the control channel`, { remedy: 'use a shell of your own' });
  return local;
}
