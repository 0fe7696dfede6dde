import { createHash } from 'node:crypto';
import type { ArchiveLine } from '../archive/archive-line.ts';
import type { ArchiveNotes } from '../archive/archive-notes.ts';
import { ParseError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { TextReader } from '../base/text-reader.ts';
import { formatQuoted } from '../base/text-writer.ts';
import type { DirDirent, Dirent } from '../dirent/dirent.ts';
import { formatDirent, readDirent } from '../dirent/dirent-text.ts';
import { formatTime, readTime } from '../dirent/time-codec.ts';
import type { TreePath } from '../tree/path.ts';
import { ROOT_PATH } from '../tree/path.ts';

// Notes on a line that name the states before it, other than the state on the line above. @see vt(5), "Archives"

/** The states that were merged into this one. */
const MERGED = 'merged';
/** Ids of the states that come before this one. Only lines that another archive recorded first have this note. */
const AFTER = 'after';
/** The id of the state that this one was made from, if that is not the state on the line above. Empty if it was made from none. */
const PARENT = 'parent';

/** A state that was merged into another. */
export interface MergedState {
  /** When it was recorded, in nanoseconds since 1970; undefined for an unrecorded state, such as a pasted Dirref. */
  readonly whenNs: bigint | undefined;
  readonly dirent: Dirent;
  /** The Dir into which it was merged. */
  readonly path: TreePath;
  /** Ids of states that come before it: those that the target of the merge lacked, and the newest of those it had. */
  readonly after: readonly string[];
}

/** How to record a root into which other states were merged. */
export interface RecordAs {
  /** The line of another archive that has this very state; its date is then kept. Undefined if the root is a new state. */
  readonly state: ArchiveLine | undefined;
  /** The notes of the line if the root is a new state. */
  readonly notes: ArchiveNotes;
}

/** The id of a state: a digest of its time and root, so it is the same in every archive. */
export function stateId({ whenNs, dirent }: Pick<ArchiveLine, 'whenNs' | 'dirent'>): string {
  return digest(`${formatTime(whenNs)} ${formatDirent(dirent)}`);
}

/** The id of an unrecorded tree: a digest of its Dirent. */
export function contentId(dirent: Dirent): string {
  return digest(formatDirent(dirent));
}

// 128 bits make collisions practically impossible, and keep a line with a thousand ids at 33 KB.
function digest(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 32);
}

/** Whether a text is the id of a state, not a name that a StateGraph made for a combination of states. */
export function isStateId(text: string): boolean {
  return /^[\da-f]{32}$/.test(text);
}

/** The notes of a merge. */
export function mergedNotes(states: readonly MergedState[]): ArchiveNotes {
  const texts = states.map(
    ({ whenNs, dirent, path, after }) =>
      `${whenNs === undefined ? '-' : formatTime(whenNs)} ${formatDirent(dirent)}${path === ROOT_PATH ? '' : ` ${formatQuoted(path)}`}${after.map((id) => ` ${id}`).join('')}`,
  );
  return new Map([[MERGED, texts.join(';') as Octets]]);
}

/** The states that were merged into the state of a line. An unreadable note gives none; a merge then uses an older base. */
export function mergedStates({ notes }: Pick<ArchiveLine, 'notes'>): MergedState[] {
  const text = notes?.get(MERGED);
  if (text === undefined) return [];
  try {
    return readMerged(new TextReader(text));
  } catch (error) {
    if (error instanceof ParseError) return [];
    throw error;
  }
}

function readMerged(reader: TextReader): MergedState[] {
  const states: MergedState[] = [];
  do {
    const whenNs = reader.accept('-') ? undefined : readTime(reader);
    reader.expect(' ');
    const dirent = readDirent(reader);
    let path = ROOT_PATH;
    if (reader.startsWith(' "')) {
      reader.expect(' ');
      path = reader.quoted() as Octets as TreePath;
    }
    const after: string[] = [];
    while (reader.accept(' ')) after.push(reader.require(/[\da-f]{32}/y, 'the id of a state'));
    states.push({ whenNs, dirent, path, after });
  } while (reader.accept(';'));
  reader.end();
  return states;
}

/** The notes of a state that another archive recorded first: its own notes, and the ids of the states before it. */
export function notesElsewhere({ notes = new Map() }: Pick<ArchiveLine, 'notes'>, before: Iterable<string>): ArchiveNotes {
  return new Map([...notes, [AFTER, [...before].join(' ') as Octets]]);
}

/** The ids of the states before one that another archive recorded first; undefined for a state that was recorded here first. */
export function statesBefore({ notes }: Pick<ArchiveLine, 'notes'>): string[] | undefined {
  return notes
    ?.get(AFTER)
    ?.split(' ')
    .filter((id) => id !== '');
}

/**
 * The note of a state that was not made from the state on the line above.
 *
 * @param parent - the state that it was made from; undefined for none
 */
export function parentNote(parent: Pick<ArchiveLine, 'whenNs' | 'dirent'> | undefined): ArchiveNotes {
  return new Map([[PARENT, (parent === undefined ? '' : stateId(parent)) as Octets]]);
}

/** The notes of a line without its parent: in another archive the state has another parent. */
export function withoutParent({ notes }: Pick<ArchiveLine, 'notes'>): Pick<ArchiveLine, 'notes'> {
  return { notes: new Map([...(notes ?? [])].filter(([name]) => name !== PARENT)) };
}

/** The id of the state that a line's state was made from; '' for none, undefined if it is the state on the line above. */
export function statedParent({ notes }: Pick<ArchiveLine, 'notes'>): string | undefined {
  return notes?.get(PARENT);
}

/**
 * The notes of a line with the ids and Dirents of another hash function.
 *
 * @param merged - the new Dirent of each state that was merged into the line's state, in order
 * @param idOf - gives the new id for an old one
 */
export function renamedNotes(
  line: Pick<ArchiveLine, 'notes'>,
  merged: readonly Dirent[],
  idOf: (id: string) => string,
): ArchiveNotes | undefined {
  const { notes } = line;
  if (notes === undefined) return undefined;
  const renamed = new Map(notes);
  const states = mergedStates(line);
  if (states.length > 0) {
    const others = states.map((state, i) => ({ ...state, dirent: merged[i] ?? state.dirent, after: state.after.map(idOf) }));
    for (const [name, value] of mergedNotes(others)) renamed.set(name, value);
  }
  const before = statesBefore(line);
  if (before !== undefined) renamed.set(AFTER, before.map(idOf).join(' ') as Octets);
  const parent = statedParent(line);
  if (parent !== undefined && parent !== '') renamed.set(PARENT, idOf(parent) as Octets);
  return renamed;
}

/** A key that is equal for Dirs with equal entries, whatever their names and metadata. */
export function treeKey({ block, inodes }: DirDirent): string {
  return formatDirent({ kind: 'dir', name: '' as Octets, meta: {}, block, ...(inodes === undefined ? {} : { inodes }) });
}
