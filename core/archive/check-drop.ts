import { VtError } from '../base/errors.ts';
import type { MarkedEntry } from './archive.ts';
import type { ArchiveLine } from './archive-line.ts';
import { marksOf } from './mark-notes.ts';

/** The name of the note that holds the encrypted contents of a sealed line. */
export const SEAL_NOTE = 'sealed';

/**
 * Checks that an entry may be dropped.
 *
 * @param entry - the entry when the caller chose it
 * @param line - its line now
 * @throws {VtError} EFAILED for the newest entry, a protected one, and one that has got a tag since
 */
export function checkDrop(entry: MarkedEntry, line: ArchiveLine, isNewest: boolean): void {
  if (isNewest)
    throw new VtError('EFAILED', `drop root ${entry.number}: it is the newest`, { remedy: 'record another first: touch /; sync' });
  if (marksOf(line).isProtected)
    throw new VtError('EFAILED', `drop root ${entry.number}: it is protected`, { remedy: `unprotect @${entry.number}` });
  // The marks of a sealed line cannot be read without its key, so the sealed text must be unchanged.
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
