import type { Octets } from '../base/octets.ts';
import { octetsFromText, octetsToText } from '../base/octets.ts';
import type { ArchiveLine } from './archive-line.ts';
import type { ArchiveNotes } from './archive-notes.ts';

// Marks that people set on recorded states: notes of their lines. @see vt(5), "Archives"

/** Tags, with spaces in between. */
const TAGS = 'tags';
/** The state is not forgotten; the value is empty. */
const PROTECTED = 'protected';

/** Names that `@NAME` must not mean a tag by: those of dates. */
const DATE_WORDS = ['now', 'today', 'yesterday'];

/** What people have marked a state by. */
export interface Marks {
  /** In the order in which they were set. */
  readonly tags: readonly string[];
  readonly isProtected: boolean;
}

/** The marks of a state. */
export function marksOf({ notes }: Pick<ArchiveLine, 'notes'>): Marks {
  const tags = octetsToText(notes?.get(TAGS) ?? ('' as Octets)).split(' ');
  return { tags: tags.filter((tag) => tag !== ''), isProtected: notes?.has(PROTECTED) === true };
}

/** The notes of a state with other marks. */
export function withMarks(notes: ArchiveNotes | undefined, { tags, isProtected }: Marks): ArchiveNotes {
  const changed = new Map(notes);
  if (tags.length === 0) changed.delete(TAGS);
  else changed.set(TAGS, octetsFromText(tags.join(' ')));
  if (isProtected) changed.set(PROTECTED, '' as Octets);
  else changed.delete(PROTECTED);
  return changed;
}

/** Whether a word can be a tag: letters, digits, `_`, `.`, `-`, a letter first, and no date. */
export function isTag(word: string): boolean {
  return /^\p{L}[\p{L}\p{N}_.-]{0,99}$/u.test(word) && !DATE_WORDS.includes(word);
}
