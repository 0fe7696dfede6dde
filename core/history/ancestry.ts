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

// The notes that say which states a state was made of, besides the one on the line before. @see vt(5), "Archives"

/** The states that were merged into this one. */
const MERGED = 'merged';
/** Ids of the states that come before this one, on a line that was recorded elsewhere first. */
const AFTER = 'after';
/** The id of the state that this one was made of, where that is not the one on the line before; empty for none. */
const PARENT = 'parent';

/** A state that was merged into another. */
export interface MergedState {
  /** Undefined for one that nobody had recorded, as that of a Dirref. */
  readonly whenNs: bigint | undefined;
  readonly dirent: Dirent;
  /** The Dir that it was merged into. */
  readonly path: TreePath;
  /** Ids of states that come before it: those that what it was merged into did not come after, and the newest of the others. */
  readonly after: readonly string[];
}

/** How a root is recorded that other states were merged into. */
export interface RecordAs {
  /** The state that it is, where it equals one that was recorded elsewhere: it keeps its date. */
  readonly state: ArchiveLine | undefined;
  /** What is noted of it if it does not. */
  readonly notes: ArchiveNotes;
}

/** A state by its time and its root: the same wherever it is recorded. */
export function stateId({ whenNs, dirent }: Pick<ArchiveLine, 'whenNs' | 'dirent'>): string {
  return digest(`${formatTime(whenNs)} ${formatDirent(dirent)}`);
}

/** The id of a tree that nobody has recorded, by what it is. */
export function contentId(dirent: Dirent): string {
  return digest(formatDirent(dirent));
}

// 128 bits: nobody makes two states of one id, and a line of a thousand of them is 33 KB.
function digest(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 32);
}

/** Whether it is the id of a state, not the name of what a graph makes of some. */
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

/**
 * The states that were merged into that of a line. A note that cannot be read tells none: then a merge compares with an older state.
 */
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

/** The notes of a state that is recorded here as it is elsewhere: its own, and which states come before it. */
export function notesElsewhere({ notes = new Map() }: Pick<ArchiveLine, 'notes'>, before: Iterable<string>): ArchiveNotes {
  return new Map([...notes, [AFTER, [...before].join(' ') as Octets]]);
}

/** The ids of states that come before one that was recorded elsewhere first; undefined for one that was recorded here first. */
export function statesBefore({ notes }: Pick<ArchiveLine, 'notes'>): string[] | undefined {
  return notes
    ?.get(AFTER)
    ?.split(' ')
    .filter((id) => id !== '');
}

/** The note of a state that was not made of the one on the line before. */
export function parentNote(parent: Pick<ArchiveLine, 'whenNs' | 'dirent'> | undefined): ArchiveNotes {
  return new Map([[PARENT, (parent === undefined ? '' : stateId(parent)) as Octets]]);
}

/** What a line notes, but for the state that it was made of: that is another where the line is elsewhere. */
export function withoutParent({ notes }: Pick<ArchiveLine, 'notes'>): Pick<ArchiveLine, 'notes'> {
  return { notes: new Map([...(notes ?? [])].filter(([name]) => name !== PARENT)) };
}

/** The id of the state that one was made of, '' for none; undefined where that is the one on the line before. */
export function statedParent({ notes }: Pick<ArchiveLine, 'notes'>): string | undefined {
  return notes?.get(PARENT);
}

/**
 * The notes of a line whose states are known by other ids and other Dirents: those of a Store of another hash function.
 *
 * @param merged - the Dirent of each state that was merged into it, in their order
 * @param idOf - the other id of a state
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

/** What Dirs of equal entries have in common, whatever they are called. */
export function treeKey({ block, inodes }: DirDirent): string {
  return formatDirent({ kind: 'dir', name: '' as Octets, meta: {}, block, ...(inodes === undefined ? {} : { inodes }) });
}
