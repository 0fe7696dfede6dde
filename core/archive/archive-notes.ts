import type { Octets } from '../base/octets.ts';
import type { TextReader } from '../base/text-reader.ts';
import { formatObject, formatQuoted } from '../base/text-writer.ts';

// What a line of an archive says of its state besides the root: `N{name:"value",name:"value"}`. @see vt(5), "Archives"

/** Notes by their names, in the order of the line. Names that a program does not know are kept. */
export type ArchiveNotes = ReadonlyMap<string, Octets>;

/** The names of notes are letters, digits and `_`, a letter first. */
const NAME = /^[A-Za-z_]\w*$/;

/** The text of notes, which {@link readNotes} reads back to the same. */
export function formatNotes(notes: ArchiveNotes): string {
  for (const name of notes.keys()) if (!NAME.test(name)) throw new RangeError(`format notes: "${name}" is no name of a note`);
  return formatObject(
    'N',
    [...notes].map(([name, value]) => [name, formatQuoted(value)] as const),
  );
}

/** @throws {ParseError} where no notes can be read */
export function readNotes(reader: TextReader): ArchiveNotes {
  const notes = new Map<string, Octets>();
  reader.expect('N{');
  reader.items((name) => {
    notes.set(name, reader.quoted());
    return true;
  });
  return notes;
}

/** Notes as they are kept: none at all instead of an empty list of them. */
export function notesField(notes: ArchiveNotes | undefined): { readonly notes?: ArchiveNotes } {
  return notes === undefined || notes.size === 0 ? {} : { notes };
}
