import { VtError } from '../base/errors.ts';
import type { MarkedEntry } from './archive.ts';
import type { ArchiveLine } from './archive-line.ts';
import { marksOf } from './mark-notes.ts';

/** The note that holds all that a sealed line says. */
export const SEAL_NOTE = 'sealed';

/**
 * Refuses to drop an entry that has to stay.
 *
 * @param entry - as it was when the caller chose to drop it
 * @param line - as it is now
 * @throws {VtError} EFAILED for the newest entry, a protected one, and one that got another tag meanwhile
 */
export function checkDrop(entry: MarkedEntry, line: ArchiveLine, isNewest: boolean): void {
  if (isNewest)
    throw new VtError('EFAILED', `drop root ${entry.number}: it is the newest`, { remedy: 'record another first: touch /; sync' });
  if (marksOf(line).isProtected)
    throw new VtError('EFAILED', `drop root ${entry.number}: it is protected`, { remedy: `unprotect @${entry.number}` });
  // What marks a sealed line has is seen by who can open it: it must be the one that was looked at.
  if (line.notes?.get(SEAL_NOTE) !== entry.notes?.get(SEAL_NOTE))
    throw new VtError('EFAILED', `drop root ${entry.number}: its tags or protection were changed meanwhile; nothing was done`, {
      remedy: 'see log, then try again',
    });
  const seen = new Set(marksOf(entry).tags);
  const added = marksOf(line).tags.find((tag) => !seen.has(tag));
  if (added !== undefined)
    throw new VtError('EFAILED', `drop root ${entry.number}: it got the tag @${added} meanwhile; nothing was done`, {
      remedy: 'see log, then try again',
    });
}
