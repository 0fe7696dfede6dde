import type { ArchiveLine } from '../archive/archive-line.ts';
import type { ArchiveNotes } from '../archive/archive-notes.ts';
import type { Octets } from '../base/octets.ts';
import { TextReader } from '../base/text-reader.ts';
import { formatTime, readTime } from '../dirent/time-codec.ts';

// The notes `step` and `undo`: how a recorded state follows the one before it. @see vt(5), "Archives"

/** Marks a new state. */
const STEP_NOTE = 'step';
/** Marks a return to an earlier state; its value is the time of that state. */
const UNDO_NOTE = 'undo';

/** The notes of a new state, whether or not it equals an earlier one. */
export const STEP: ArchiveNotes = new Map([[STEP_NOTE, '' as Octets]]);

/**
 * The notes of a return to an earlier state, by undo or redo.
 *
 * @param whenNs - when that state was recorded, in nanoseconds since 1970; 0 for the empty tree before the first
 */
export function stateAgain(whenNs: bigint): ArchiveNotes {
  return new Map([[UNDO_NOTE, formatTime(whenNs) as Octets]]);
}

/**
 * Reads the notes of an entry: the time of the state to which it returns, or `step`. Undefined if there is no such note, as in lines of
 * early versions, or if it cannot be read.
 */
export function stateNoteOf({ notes }: Pick<ArchiveLine, 'notes'>): 'step' | { readonly againNs: bigint } | undefined {
  const again = notes?.get(UNDO_NOTE);
  if (again !== undefined && /^-?\d{1,20}\.\d{9}$/.test(again)) return { againNs: readTime(new TextReader(again)) };
  return notes?.has(STEP_NOTE) === true ? 'step' : undefined;
}
