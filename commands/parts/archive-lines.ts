import type { Archive, ArchiveLines } from '../../core/archive/archive.ts';
import { ReadOnlyError, VtError } from '../../core/base/errors.ts';
import type { Session } from '../session.ts';

/** The archive of the session's tree, and the functions that change its lines. @throws {VtError} if there is none, or it is read-only */
export function requireLines({ archive, tree }: Session, action: string): { readonly archive: Archive; readonly lines: ArchiveLines } {
  if (archive === undefined) throw new VtError('EFAILED', `${action}: "${tree.name}" has no recorded states`);
  const { lines } = archive;
  if (lines === undefined)
    throw new VtError('EUNSUPPORTED', `${action}: the archive "${archive.name}" can only be appended to`, {
      remedy: 'use a session on the Store itself',
    });
  if (!tree.can.write && tree.can.sync) throw new ReadOnlyError(action, tree.name);
  return { archive, lines };
}
