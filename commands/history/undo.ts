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
    'undo first syncs what changed, so that it stays in the archive. Nothing is lost: redo, `log` and `cd @N` find it. The tree then becomes the root before, which is recorded as the newest. The working path stays if it is a Dir there.',
    'An undo after an undo goes further back. What you change by hand is a step of its own, also where the tree then equals an earlier root: undo takes that step back. undo @N and undo @DATE go to any state that `log` lists. What programs wrote to a mount is among the changes that undo records first; it prints the number of that root.',
    'If another session has recorded a root that this one has not seen, undo names it, takes it over, and goes no step back. undo @N goes back all the same.',
  ],
  args: [{ name: 'count', kind: 'text', summary: 'how many roots to go back, default 1; or a state, @N or @DATE', optional: true }],
  examples: [
    { line: 'undo', says: 'the tree is as before the last changes' },
    { line: 'undo @2', says: 'the tree is as in state 2 of log' },
  ],
  records: [
    {
      name: 'Undone',
      summary: 'where the tree is now',
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

/** The state that `@…` names, as it is before what changed becomes a state as well. */
async function namedState(
  { session, now, signal }: CommandContext,
  word: Parameters<typeof octetsToText>[0] | undefined,
): Promise<ArchiveEntry | undefined> {
  const text = word === undefined ? '' : octetsToText(word);
  if (!text.startsWith('@') || session.archive === undefined) return undefined;
  return await findEntry(session.archive, text.slice(1), now(), { signal });
}
