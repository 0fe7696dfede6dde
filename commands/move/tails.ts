import { UsageError, VtError } from '../../core/base/errors.ts';
import { octetsFromText, octetsToText } from '../../core/base/octets.ts';
import type { FollowerState } from '../../core/follow/follower.ts';
import type { CommandContext } from '../command.ts';
import { defineCommand } from '../command.ts';
import { forEachItem } from '../parts/each.ts';
import { pathArgument } from '../parts/entry.ts';
import { countText, sizeText } from '../parts/format.ts';
import { isUtf8, sparkline } from '../parts/pictures/bars.ts';

/** `tails`: lists what is followed. */
export const tails = defineCommand({
  name: 'tails',
  group: 'move',
  summary: 'list what is followed and watched, with lag, rate and last root',
  details: [
    'tails lists what this session follows, then what other sessions follow or followed. To continue one that has stopped, give the same follow or watch again. lag is the bytes that no recorded root has yet, and the age of the oldest of them. A second line draws how many bytes came in each of the last 24 seconds. If storing fails, tails shows why, and follow or watch keeps trying.',
  ],
  records: [
    {
      name: 'Tail',
      summary: 'a file or directory that is followed',
      fields: {
        target: 'text',
        local: 'text',
        state: { choices: ['following', 'failing', 'elsewhere', 'stopped'] },
        pid: 'integer?',
        store: 'text?',
        store_is_gone: 'true?',
        files: 'integer',
        absent: 'integer?',
        bytes: 'integer?',
        new_bytes: 'integer?',
        read_bytes: 'integer?',
        lag_bytes: 'integer',
        lag_ms: 'integer',
        bytes_per_second: 'number',
        recent_bytes: 'integer[]?',
        rounds: 'integer?',
        rotations: 'integer?',
        failures: 'integer?',
        when: 'time?',
        trouble: 'text?',
        trouble_since: 'time?',
        dirref: 'text?',
      },
    },
  ],
  async run({ session, output, shell, now }) {
    const { readTails } = await import('../parts/move/tail-records.ts');
    const { unrecordedBytes } = await import('../../core/follow/unread-bytes.ts');
    const ours = new Set<string>();
    for (const follower of session.tails.followers) {
      ours.add(follower.checkpointPath);
      const state = follower.state();
      output.line(`${output.name(octetsFromText(follower.target))}  ${follower.what}  ${stateText(state)}`);
      if (state.recentBytes.some((bytes) => bytes > 0)) output.line(`  ${sparkline(state.recentBytes, isUtf8(shell.env))}`);
      if (state.root !== undefined) output.line(`  ${output.style('ref', state.root)}`);
      output.record({
        target: follower.target,
        local: follower.what,
        state: state.trouble === undefined ? 'following' : 'failing',
        pid: process.pid,
        files: state.files,
        absent: state.absent,
        bytes: state.size,
        new_bytes: state.newBytes,
        read_bytes: state.readBytes,
        lag_bytes: state.lagBytes,
        lag_ms: Math.round(state.lagMs),
        bytes_per_second: Math.round(state.rate),
        recent_bytes: state.recentBytes,
        rounds: state.rounds,
        rotations: state.rotations,
        failures: state.failures,
        trouble: state.trouble,
        dirref: state.root,
      });
    }
    for (const { file, checkpoint, status, isRunning, isGone } of readTails(shell.env)) {
      if (ours.has(file)) continue;
      const isRecorded = status === undefined || status.round >= checkpoint.round;
      const lag = unrecordedBytes(checkpoint, isRecorded);
      // A checkpoint is written before its root is recorded, so it names the previous root.
      const root = status?.root ?? (isRecorded ? undefined : checkpoint.root);
      const { files = checkpoint.tails.length } = checkpoint;
      const ageMs = now().getTime() - Date.parse(checkpoint.when);
      const what = `${countText(files, 'file')}, lag ${sizeText(lag)}, ${sizeText(isRunning ? checkpoint.rate : 0)}/s, ${checkpoint.when}`;
      output.line(
        `${output.name(octetsFromText(checkpoint.target))}  ${checkpoint.what}  ${isRunning ? `pid ${checkpoint.pid}` : 'stopped'}: ${what}, Store ${checkpoint.store}${isGone ? ', which is gone' : ''}`,
      );
      if (status?.trouble !== undefined)
        output.line(`  failing${status.since === undefined ? '' : ` since ${status.since}`}: ${status.trouble}`);
      if (root !== undefined) output.line(`  ${output.style('ref', root)}`);
      output.record({
        target: checkpoint.target,
        local: checkpoint.what,
        state: isRunning ? 'elsewhere' : 'stopped',
        ...(isRunning ? { pid: checkpoint.pid } : {}),
        store: checkpoint.store,
        ...(isGone ? { store_is_gone: true } : {}),
        files,
        lag_bytes: lag,
        lag_ms: lag === 0 ? 0 : ageMs,
        bytes_per_second: isRunning ? checkpoint.rate : 0,
        when: checkpoint.when,
        trouble: status?.trouble,
        trouble_since: status?.since,
        dirref: root,
      });
    }
  },
});

/** `3 files, 12M, 1.2M/s, lag 310 (0.4 s)`. */
export function stateText(state: FollowerState): string {
  const { files, absent, size, rate, lagBytes, lagMs, trouble } = state;
  const parts = [`${countText(files, 'file')}${absent > 0 ? ` (${absent} absent)` : ''}`, sizeText(size), `${sizeText(rate)}/s`];
  parts.push(`lag ${sizeText(lagBytes)} (${(lagMs / 1000).toFixed(1)} s)`);
  if (trouble !== undefined) parts.push(trouble);
  return parts.join(', ');
}

/** `untail`: stops following. */
export const untail = defineCommand({
  name: 'untail',
  group: 'move',
  summary: 'end a follow or watch after a last round, and remove its checkpoint',
  changesLocal: true,
  details: [
    'NAME stays in the tree as it is. A later follow appends to it if the file still begins with the stored content. untail also removes the checkpoint of a follow whose process has ended. If only one other Store has NAME, untail takes that too.',
  ],
  args: [{ name: 'name', kind: 'stored', summary: 'the stored NAME of a follow or watch', optional: true, repeat: true, glob: false }],
  options: [{ name: 'gone', summary: 'remove all checkpoints of Stores that no longer exist' }],
  records: [{ name: 'Forgotten', summary: 'a removed checkpoint', fields: { forgotten: 'text', local: 'text', store: 'text' } }],
  async run(context, { args, options, calledAs }) {
    if (options.has('gone')) await forgetGone(context);
    else if (args.length === 0) throw new UsageError(`${calledAs}: name what files are followed into, or give --gone`);
    await forEachItem(context, args, async (name) => await endOne(context, octetsToText(pathArgument(context.session, name))));
  },
});

async function endOne({ session, shell }: CommandContext, target: string): Promise<void> {
  const follower = session.tails.followers.find((each) => each.target === target);
  if (follower !== undefined) {
    await session.tails.end(follower, true);
    return;
  }
  const { forgetTail, readTails, tailFile } = await import('../parts/move/tail-records.ts');
  const own = tailFile(shell.env, session, octetsFromText(target));
  const all = readTails(shell.env).filter(({ file, checkpoint }) => file === own || checkpoint.target === target);
  const mine = all.find(({ file }) => file === own);
  const others = all.filter(({ isRunning }) => !isRunning);
  // A single match of another Store, which may no longer exist, is accepted.
  const record = mine ?? (others.length === 1 ? others[0] : undefined);
  if (record === undefined) {
    const stores = others.map(({ checkpoint }) => `"${checkpoint.store}"`).join(', ');
    throw new VtError('EFAILED', `untail "${target}": nothing is followed into it${stores === '' ? '' : ` here; in ${stores} there was`}`, {
      remedy:
        stores === ''
          ? 'tails lists what is followed'
          : 'open the one that you mean by -S, or forget those whose Store is gone: untail --gone',
    });
  }
  if (await forgetTail(record.file)) return;
  const { pid } = record.checkpoint;
  throw new VtError('EFAILED', `untail "${target}": process ${pid} follows into it`, { remedy: `end it: kill ${pid}` });
}

/** Forgets the records whose Store no longer exists. */
async function forgetGone({ shell, output }: CommandContext): Promise<void> {
  const { forgetTail, readTails } = await import('../parts/move/tail-records.ts');
  for (const { file, checkpoint, isGone, isRunning } of readTails(shell.env)) {
    if (!isGone || isRunning || !(await forgetTail(file))) continue;
    output.line(`forgotten: ${checkpoint.what} into ${output.name(octetsFromText(checkpoint.target))}, Store ${checkpoint.store}`);
    output.record({ forgotten: checkpoint.target, local: checkpoint.what, store: checkpoint.store });
  }
}
