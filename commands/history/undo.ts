import type { ArchiveEntry } from '../../core/archive/archive.ts';
import { findEntry } from '../../core/archive/find-entry.ts';
import { VtError } from '../../core/base/errors.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { Timeline } from '../../core/history/timeline.ts';
import type { CommandContext } from '../command.ts';
import { defineCommand } from '../command.ts';
import { changeState } from '../parts/change-state.ts';
import { countText } from '../parts/format.ts';

/** `undo`: back to the root before. */
export const undo = defineCommand({
  name: 'undo',
  group: 'history',
  summary: 'go back to the root before the latest',
  reports: true,
  recordsRoot: true,
  plans: true,
  details: [
    'undo syncs first, so that the present state stays in the archive: redo, `log` and `cd @N` find it. Then the tree becomes the previous root, which undo records as the newest. The working path stays if that root has it.',
    'A second undo goes further back. A change by hand is a step of its own, even if the tree then equals an earlier root. undo @N and undo @DATE go to any state that `log` lists. If programs wrote to a mount of the tree, undo records those changes first too, and prints the number of that root.',
    'If another session has recorded a root that this one has not seen, undo prints its number, takes it over, and goes back no step. undo @N still goes back.',
  ],
  args: [
    {
      name: 'count',
      kind: 'state',
      summary: 'how many roots to go back (default 1), or the state to go back to: @N or @DATE',
      optional: true,
    },
  ],
  examples: [
    { line: 'undo', says: 'takes the last changes back' },
    { line: 'undo @2', says: 'makes the tree what it was in state 2 of log' },
  ],
  records: [
    {
      name: 'Undone',
      summary: 'the state that the tree has now',
      fields: { undo: 'integer?', recorded: 'integer?', number: 'integer', when: 'time?' },
    },
  ],
  async run(context, input) {
    const change = {
      name: 'undo',
      done: 'undone',
      expected: 'a number of 1 or more, @N or @DATE',
      stepsAway: ({ line, newest }: Timeline, count: number) => line[line.length - 1 - count] ?? tooFar(line, newest),
    } as const;
    await changeState(context, input, change, await namedState(context, input.args[0]));
  },
});

function tooFar(line: Timeline['line'], newest: ArchiveEntry | undefined): VtError {
  const steps = line.length - 1;
  const isCutOff = line[0]?.number !== 0;
  if (newest === undefined)
    return new VtError('EFAILED', 'undo: nothing to undo: no root is recorded yet', { remedy: 'put or mkdir makes one' });
  const what =
    steps > 0
      ? `only ${countText(steps, 'root')} to go back from${isCutOff ? '; what came before is forgotten' : ''}`
      : `nothing to undo: ${isCutOff ? 'what came before is forgotten' : 'the tree is as it was before the first root'}`;
  return new VtError('EFAILED', `undo: ${what}`, { remedy: 'undo @N goes to any state that log lists' });
}

/** The state that `@…` names, counted before unrecorded changes become a state of their own. */
async function namedState(
  { session, now, signal }: CommandContext,
  word: Parameters<typeof octetsToText>[0] | undefined,
): Promise<ArchiveEntry | undefined> {
  const text = word === undefined ? '' : octetsToText(word);
  if (!text.startsWith('@') || session.archive === undefined) return undefined;
  return await findEntry(session.archive, text.slice(1), now(), { signal });
}
