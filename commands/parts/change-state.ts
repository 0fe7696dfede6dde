import type { Archive, ArchiveEntry } from '../../core/archive/archive.ts';
import { formatStateTime } from '../../core/base/date.ts';
import { ReadOnlyError, UsageError, VtError } from '../../core/base/errors.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { formatDirent } from '../../core/dirent/dirent-text.ts';
import { rootFault } from '../../core/history/root-fault.ts';
import type { Timeline } from '../../core/history/timeline.ts';
import { timelineOf } from '../../core/history/timeline.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import type { Session } from '../session.ts';
import { timeText } from './format.ts';

// Common parts of undo and redo: the tree becomes another recorded state.

/** The command: undo or redo. */
export interface StateChange {
  readonly name: 'undo' | 'redo';
  /** `undone` or `redone`. */
  readonly done: string;
  /** What the argument may be, for messages. */
  readonly expected: string;
  /** The state `count` steps away, or the error that explains why there is none. */
  readonly stepsAway: (timeline: Timeline, count: number) => ArchiveEntry | VtError;
}

/**
 * Makes the tree another recorded state. Changes since the last sync, by any session, are first recorded as a state of their own.
 *
 * @param named - the state that `@…` names; undefined: count steps
 * @throws {UsageError} for an argument that is not a count
 * @throws {VtError} EFAILED without an archive or such a state, or if another session recorded a state meanwhile
 */
export async function changeState(
  { session, output, signal, plan, wouldChange }: CommandContext,
  { args: [word] }: CommandInput,
  { name, done, expected, stepsAway }: StateChange,
  named: ArchiveEntry | undefined,
): Promise<void> {
  const wanted = word === undefined ? '1' : octetsToText(word);
  const archive = requireArchive(session, name);
  if (!session.tree.can.write) throw new ReadOnlyError(name, session.tree.name);
  const count = named === undefined ? countOf(name, wanted, expected) : undefined;
  const before = await archive.last({ signal });
  const own = plan ? undefined : await session.sync(signal);
  // States that cannot be read do not count as steps.
  const upTo = plan ? before : await archive.last({ signal });
  const recorded = await timelineOf(archive, { signal, upTo: upTo?.number });
  const timeline = plan && session.isChanged ? withPlannedState(recorded) : recorded;
  const { newest } = timeline;
  let target = named;
  if (target === undefined) {
    // Steps are counted from a state that this session has seen.
    if (own !== undefined && newest !== undefined && own !== formatDirent(newest.dirent)) {
      await session.refresh(signal);
      throw new VtError('EFAILED', `${name}: another session recorded root ${newest.number} meanwhile, and this one takes it over`, {
        remedy: `${name} again starts from it; log lists all roots`,
      });
    }
    const found = stepsAway(timeline, count ?? 1);
    if (found instanceof VtError) throw found;
    target = found;
  }
  const { dirent, number, whenNs } = target;
  if (dirent.kind !== 'dir') throw new VtError('EFAILED', `${name} ${wanted}: root ${number} is a ${dirent.kind}, not a Dir`);
  const fault = await rootFault(session.store, dirent, { signal });
  if (fault !== undefined)
    throw new VtError(fault.code, `${name} ${wanted}: state @${number} cannot be read: ${fault.message}`, { cause: fault });
  const isOwn = newest !== undefined && newest.number !== (before?.number ?? 0) && own === formatDirent(newest.dirent);
  if (isOwn) output.line(`recorded what changed as @${newest.number} first (undo @${newest.number} goes there)`);
  if (plan) wouldChange();
  else await session.become(name, { whenNs, dirent }, newest, signal);
  output.record({
    ...(count === undefined ? {} : { [name]: count }),
    ...(isOwn ? { recorded: newest.number } : {}),
    number,
    ...(number === 0 ? {} : { when: timeText(whenNs) }),
  });
  const state = number === 0 ? 'empty' : `as it was at ${formatStateTime(whenNs)}`;
  output.line(`${plan ? `would ${name}` : done}: the tree ${plan ? 'would be' : 'is'} ${state} (@${number})`);
}

/** The line of states after the session's changes are recorded: the newest state is then one step away. */
function withPlannedState({ line, newest }: Timeline): Timeline {
  return { line: [...line, ...line.slice(-1)], ahead: [], newest };
}

function requireArchive({ archive, tree }: Session, name: string): Archive {
  if (archive !== undefined) return archive;
  throw new VtError(
    'EFAILED',
    tree.can.sync
      ? `${name}: this tree was opened by its Dirref, and has no archive, and so no earlier states`
      : `${name}: "${tree.name}" is an ordinary directory, which has no earlier states`,
  );
}

function countOf(name: string, wanted: string, expected: string): number {
  const count = Number(wanted);
  if (Number.isSafeInteger(count) && count >= 1) return count;
  throw new UsageError(`${name} "${wanted}": expected ${expected}`);
}
