import type { ArchiveLine } from '../archive/archive-line.ts';
import type { ArchiveNotes } from '../archive/archive-notes.ts';
import type { Octets } from '../base/octets.ts';
import { TextReader } from '../base/text-reader.ts';
import { formatTime, readTime } from '../dirent/time-codec.ts';

// How a recorded state follows the one before it: by the note `step` or `undo`. @see vt(5), "Archives"

/** A state of its own. */
const STEP_NOTE = 'step';
/** An earlier state again: the time of that. */
const UNDO_NOTE = 'undo';

/** The notes of a state that follows the one before it, whether or not it equals an earlier one. */
export const STEP: ArchiveNotes = new Map([[STEP_NOTE, '' as Octets]]);

/** The notes of an earlier state once more, as undo and redo leave it. @param whenNs - when that was recorded; 0 for the empty tree before all */
export function stateAgain(whenNs: bigint): ArchiveNotes {
  return new Map([[UNDO_NOTE, formatTime(whenNs) as Octets]]);
}

/**
 * What the notes of an entry say: the time of the state that it is again, or that it is a step. Undefined where there is no such note, or none that
 * can be read: an earlier version wrote the line.
 */
export function stateNoteOf({ notes }: Pick<ArchiveLine, 'notes'>): 'step' | { readonly againNs: bigint } | undefined {
  const again = notes?.get(UNDO_NOTE);
  if (again !== undefined && /^-?\d{1,20}\.\d{9}$/.test(again)) return { againNs: readTime(new TextReader(again)) };
  return notes?.has(STEP_NOTE) === true ? 'step' : undefined;
}
