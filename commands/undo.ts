import { timelineOf } from '../core/archive/timeline.ts';
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
    'An undo after an undo goes further back.',
  ],
  args: [{ name: 'count', kind: 'number', summary: 'how many roots to go back; default 1', optional: true }],
  async run({ session, output, signal, plan }, { args }) {
    const count = args[0] === undefined ? 1 : Number(args[0]);
    if (!Number.isSafeInteger(count) || count < 1) {
      throw new UsageError(`undo "${octetsToText(args[0] ?? ('' as TreePath))}": expected a number of 1 or more`);
    }
    const { archive } = session;
    if (archive === undefined) throw new VtError('EFAILED', `undo "${session.tree.name}": this tree has no archive`);
    if (!plan) await session.sync(signal);
    const line = await timelineOf(archive, { signal });
    const target = line[line.length - 1 - count];
    if (target === undefined) throw new VtError('EFAILED', `undo ${count}: only ${countText(line.length - 1, 'root')} to go back from`);
    const { dirent, number } = target;
    if (dirent.kind !== 'dir') throw new VtError('EFAILED', `undo ${count}: root ${number} is a ${dirent.kind}, not a Dir`);
    output.record({ undo: count, number, ...(number === 0 ? {} : { when: timeText(target.whenNs) }) });
    const place = number === 0 ? 'the empty tree' : `root ${number} of ${timeText(target.whenNs)}`;
    output.line(`${plan ? 'would go' : 'went'} back to ${place}`);
    if (plan) return;
    await session.tree.bind('/' as TreePath, dirent, { signal });
    session.cwd = '/' as TreePath;
    await session.sync(signal);
  },
});
