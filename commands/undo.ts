import type { Archive, ArchiveEntry } from '../core/archive/archive.ts';
import { findEntry } from '../core/archive/find-entry.ts';
import { timelineOf } from '../core/archive/timeline.ts';
import { formatLocalTime } from '../core/base/date.ts';
import { UsageError, VtError } from '../core/base/errors.ts';
import { octetsToText } from '../core/base/octets.ts';
import type { TreePath } from '../core/tree/tree.ts';
import { defineCommand } from './command.ts';
import { countText, timeText } from './format.ts';

/** `undo`: back to the root before. */
export const undo = defineCommand({
  name: 'undo',
  group: 'history',
  summary: 'go back to the root before the latest',
  changes: true,
  details: [
    'What changed since the last sync is synced first, so that it stays in the archive: nothing is lost, and `log` and `cd @N` find it. The tree then becomes the root before, which is recorded as the newest.',
    'An undo after an undo goes further back: a root that is as an earlier one was counts as a return to that, whether by undo or by hand, as where what was added is removed. undo @N and undo @DATE go to the state that they name, as `log` lists them, wherever it stands.',
  ],
  args: [{ name: 'count', kind: 'text', summary: 'how many roots to go back, default 1; or a state, @N or @DATE', optional: true }],
  examples: [
    { line: 'undo', says: 'as before the last changes' },
    { line: 'undo @2', says: 'as in state 2 of log' },
  ],
  async run({ session, output, signal, plan, now }, { args }) {
    const wanted = args[0] === undefined ? '1' : octetsToText(args[0]);
    const { archive } = session;
    if (archive === undefined) throw new VtError('EFAILED', `undo "${session.tree.name}": this tree has no archive`);
    // Before what changed becomes a state as well.
    const named = wanted.startsWith('@') ? await findEntry(archive, wanted.slice(1), now(), { signal }) : undefined;
    if (!plan) await session.sync(signal);
    const target = named ?? (await stateBefore(archive, wanted, signal));
    const { dirent, number } = target;
    if (dirent.kind !== 'dir') throw new VtError('EFAILED', `undo ${wanted}: root ${number} is a ${dirent.kind}, not a Dir`);
    output.record({
      ...(wanted.startsWith('@') ? {} : { undo: Number(wanted) }),
      number,
      ...(number === 0 ? {} : { when: timeText(target.whenNs) }),
    });
    const place = number === 0 ? 'the empty tree' : `root ${number} of ${formatLocalTime(target.whenNs)}`;
    output.line(`${plan ? 'would go' : 'went'} back to ${place}`);
    if (plan) return;
    await session.tree.bind('/' as TreePath, dirent, { signal });
    session.cwd = '/' as TreePath;
    await session.sync(signal);
  },
});

async function stateBefore(archive: Archive, wanted: string, signal: AbortSignal): Promise<ArchiveEntry> {
  const count = Number(wanted);
  if (!Number.isSafeInteger(count) || count < 1) throw new UsageError(`undo "${wanted}": expected a number of 1 or more, @N or @DATE`);
  const line = await timelineOf(archive, { signal });
  const target = line[line.length - 1 - count];
  if (target !== undefined) return target;
  throw new VtError('EFAILED', `undo ${count}: only ${countText(line.length - 1, 'root')} to go back from`, {
    remedy: 'undo @N goes to any state that log lists',
  });
}
