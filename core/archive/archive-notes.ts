import type { Octets } from '../base/octets.ts';
import type { TextReader } from '../base/text-reader.ts';
import { formatObject, formatQuoted } from '../base/text-writer.ts';

// Notes about a state, on its line of an archive: `N{name:"value",name:"value"}`. @see vt(5), "Archives"

/** Notes by name, in the order of the line. Notes with unknown names are kept. */
export type ArchiveNotes = ReadonlyMap<string, Octets>;

/** The name of a note has letters, digits and `_`, and does not begin with a digit. */
const NAME = /^[A-Za-z_]\w*$/;

/** Formats notes as text that {@link readNotes} reads back. @throws {RangeError} for a name that is not allowed */
export function formatNotes(notes: ArchiveNotes): string {
  for (const name of notes.keys()) if (!NAME.test(name)) throw new RangeError(`format notes: "${name}" is no name of a note`);
  return formatObject(
    'N',
    [...notes].map(([name, value]) => [name, formatQuoted(value)] as const),
  );
}

/** Reads notes at the reader's position. @throws {ParseError} if the text there is not a list of notes */
export function readNotes(reader: TextReader): ArchiveNotes {
  const notes = new Map<string, Octets>();
  reader.expect('N{');
  reader.items((name) => {
    notes.set(name, reader.quoted());
    return true;
  });
  return notes;
}

/** The field `notes` of a line: absent if there are none. */
export function notesField(notes: ArchiveNotes | undefined): { readonly notes?: ArchiveNotes } {
  return notes === undefined || notes.size === 0 ? {} : { notes };
}
