import type { Octets } from '../base/octets.ts';
import { octetsFromText, octetsToText } from '../base/octets.ts';
import type { ArchiveLine } from './archive-line.ts';
import type { ArchiveNotes } from './archive-notes.ts';

// Tags and protection that users set on recorded states. Stored as notes on their lines. @see vt(5), "Archives"

/** The note with the tags, separated by spaces. */
const TAGS = 'tags';
/** The note that keeps a state from being forgotten; its value is empty. */
const PROTECTED = 'protected';

/** Words that cannot be tags, since `@WORD` is a date. */
const DATE_WORDS = ['now', 'today', 'yesterday'];

/** The marks of a state. */
export interface Marks {
  /** In the order in which they were added. */
  readonly tags: readonly string[];
  readonly isProtected: boolean;
}

/** Decodes the marks of a state from its notes. */
export function marksOf({ notes }: Pick<ArchiveLine, 'notes'>): Marks {
  const tags = octetsToText(notes?.get(TAGS) ?? ('' as Octets)).split(' ');
  return { tags: tags.filter((tag) => tag !== ''), isProtected: notes?.has(PROTECTED) === true };
}

/** The notes of a state with its marks replaced. Other notes are kept. */
export function withMarks(notes: ArchiveNotes | undefined, { tags, isProtected }: Marks): ArchiveNotes {
  const changed = new Map(notes);
  if (tags.length === 0) changed.delete(TAGS);
  else changed.set(TAGS, octetsFromText(tags.join(' ')));
  if (isProtected) changed.set(PROTECTED, '' as Octets);
  else changed.delete(PROTECTED);
  return changed;
}

/** Whether a word can be a tag: 1 to 100 letters, digits, `_`, `.` or `-`, a letter first, and not a date word. */
export function isTag(word: string): boolean {
  return /^\p{L}[\p{L}\p{N}_.-]{0,99}$/u.test(word) && !DATE_WORDS.includes(word);
}
