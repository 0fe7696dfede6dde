import type { ArchiveLine } from '../archive/archive-line.ts';
import type { DirDirent } from '../dirent/dirent.ts';
import type { Store } from '../store/store.ts';
import type { Chosen, MergeChoice, MergeResult } from '../tree/merge/merge-result.ts';
import { mergeTrees } from '../tree/merge/merge-trees.ts';
import type { TreePath } from '../tree/path.ts';
import { ROOT_PATH } from '../tree/path.ts';
import type { RecordAs } from './ancestry.ts';
import { isStateId, mergedNotes, notesElsewhere, parentNote, stateId, withoutParent } from './ancestry.ts';
import type { Meeting, MeetingOptions, MergeSide } from './merge-base.ts';
import { meet } from './merge-base.ts';

export interface MergeSidesOptions extends MeetingOptions {
  readonly choose: (choice: MergeChoice) => Chosen;
}

/** The result of a merge of two sides. */
export interface MergedSides extends MergeResult {
  readonly relation: Meeting['relation'];
  /** A common ancestor is known but can be read on neither side, so removals cannot be told from additions. */
  readonly isBaseGone: boolean;
  /** How to record the result; undefined if ours comes after all of theirs, so there is nothing to record. */
  readonly as: RecordAs | undefined;
}

/** Merges theirs into ours. A side that comes after all states of the other is taken unchanged. */
export async function mergeSides(store: Store, ours: MergeSide, theirs: MergeSide, options: MergeSidesOptions): Promise<MergedSides> {
  const meeting = await meet(store, ours, theirs, options);
  const { relation, base } = meeting;
  if (relation === 'ahead') return { relation, dirent: ours.dirent, conflicts: [], onlyOne: [], isBaseGone: false, as: undefined };
  const as = recordAs(theirs, meeting, options.path);
  if (relation === 'behind' && options.path === ROOT_PATH)
    return { relation, dirent: { ...theirs.dirent, name: ours.dirent.name }, conflicts: [], onlyOne: [], isBaseGone: false, as };
  const isBaseGone = base === undefined && meeting.common.length > 0;
  return { relation, ...(await mergeTrees(store, base, ours.dirent, theirs.dirent, options)), isBaseGone, as };
}

/** The result is theirs' own state if ours came before it, else a new state that notes what was merged. */
function recordAs(theirs: MergeSide, meeting: Meeting, path: TreePath): RecordAs {
  const last = theirs.isRecorded ? theirs.lines.at(-1) : undefined;
  const dirent: ArchiveLine['dirent'] | DirDirent = last?.dirent ?? theirs.dirent;
  const notes = mergedNotes([
    { whenNs: last?.whenNs, dirent, path, after: [...meeting.common.filter(isStateId), ...newBefore(last, meeting)] },
  ]);
  return { state: last === undefined || meeting.relation !== 'behind' ? undefined : stateElsewhere(last, meeting), notes };
}

/**
 * A state of theirs as our archive records it, with those earlier states that ours lacks.
 *
 * If ours also has states that theirs lacks, because they undid a merge, the state does not follow our newest one. It then names all states
 * before it.
 */
export function stateElsewhere(last: ArchiveLine, { oursUpTo, theirsUpTo }: Pick<Meeting, 'oursUpTo' | 'theirsUpTo'>): ArchiveLine {
  const { whenNs, dirent } = last;
  const own = withoutParent(last);
  if ([...oursUpTo].every((state) => theirsUpTo.has(state) || !isStateId(state)))
    return { whenNs, dirent, notes: notesElsewhere(own, newBefore(last, { oursUpTo, theirsUpTo })) };
  const all = newBefore(last, { oursUpTo: new Set(), theirsUpTo });
  return { whenNs, dirent, notes: new Map([...notesElsewhere(own, all), ...parentNote(undefined)]) };
}

/** The states before theirs that are not before ours. */
function newBefore(last: ArchiveLine | undefined, { oursUpTo, theirsUpTo }: Pick<Meeting, 'oursUpTo' | 'theirsUpTo'>): string[] {
  const id = last === undefined ? undefined : stateId(last);
  return [...theirsUpTo].filter((state) => state !== id && !oursUpTo.has(state) && isStateId(state));
}
