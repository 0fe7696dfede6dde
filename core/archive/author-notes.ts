import type { Octets } from '../base/octets.ts';
import { octetsFromText, octetsToText } from '../base/octets.ts';
import type { ArchiveNotes } from './archive-notes.ts';

/** Who recorded a state, and how. Stored as notes on its line of an archive. @see vt(5), "Archives" */
export interface Author {
  readonly host?: string | undefined;
  readonly user?: string | undefined;
  /** The commands that made the state, truncated. */
  readonly command?: string | undefined;
  /** The user's message about the state. */
  readonly message?: string | undefined;
}

const NAMES = ['host', 'user', 'command', 'message'] as const;

/** Encodes an author as notes. */
export function authorNotes(author: Author): ArchiveNotes {
  const notes = new Map<string, Octets>();
  for (const name of NAMES) {
    const value = author[name];
    if (value !== undefined && value !== '') notes.set(name, octetsFromText(value));
  }
  return notes;
}

/** Decodes the author from notes. */
export function authorOf(notes: ArchiveNotes | undefined): Author {
  const author: Partial<Record<(typeof NAMES)[number], string>> = {};
  for (const name of NAMES) {
    const value = notes?.get(name);
    if (value !== undefined) author[name] = octetsToText(value);
  }
  return author;
}
