import { UsageError, VtError } from '../../../core/base/errors.ts';
import { octetsToText } from '../../../core/base/octets.ts';
import type { Checkpoint } from '../../../core/follow/checkpoint.ts';
import type { Followed } from '../../../core/follow/followed.ts';
import type { Follower } from '../../../core/follow/follower.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import type { CommandContext } from '../../command.ts';
import { lockFile, lockTail, readTails, tailFile } from './tail-records.ts';

/** Default least milliseconds between two roots. */
export const DEFAULT_EVERY_MS = 1000;

export interface BeginOptions {
  readonly command: string;
  /** Local paths, for display. */
  readonly what: string;
  readonly target: TreePath;
  readonly everyMs: number;
  /** Makes the followed files; continues from the checkpoint if there is one. */
  readonly make: (checkpoint: Checkpoint | undefined) => Promise<Followed>;
}

/**
 * Starts to keep a path of the tree in step with local files while the session lasts. It makes the first round; further ones run in the
 * background.
 *
 * @throws {VtError} EFAILED if the same path is followed already, here or by another process; EUNSUPPORTED without an archive; any error
 *   of the first round
 */
export async function beginFollower(context: CommandContext, options: BeginOptions): Promise<Follower> {
  const { session, shell, diagnostics, signal, now } = context;
  const { command, target, what } = options;
  const shown = octetsToText(target);
  if (session.archive === undefined)
    throw new VtError('EUNSUPPORTED', `${command} "${shown}": the tree "${session.tree.name}" has no archive to record its states in`);
  const checkpointPath = tailFile(shell.env, session, target);
  refuseNested(context, options);
  const unlock = await lockTail(checkpointPath);
  if (unlock === undefined)
    throw new VtError('EFAILED', `${command} "${shown}": another follow or watch stores into it already`, {
      remedy: 'tails lists what is followed; untail ends it',
    });
  const unpin = session.pin();
  const release = (): void => {
    unpin();
    unlock();
  };
  try {
    const [{ Follower: FollowerClass }, { readCheckpoint, removeCheckpoint }, { knownCheckpoint }, { writeStatus }] = await Promise.all([
      import('../../../core/follow/follower.ts'),
      import('../../../core/follow/checkpoint.ts'),
      import('../../../core/follow/known-checkpoint.ts'),
      import('../../../core/follow/follower-status.ts'),
    ]);
    const written = readCheckpoint(checkpointPath);
    const checkpoint = written && (await knownCheckpoint(session.store, written));
    const statusFile = lockFile(checkpointPath);
    if (checkpoint === undefined) writeStatus(statusFile, { round: 0 });
    const followed = await options.make(checkpoint);
    const follower = new FollowerClass({
      store: session.store,
      followed,
      sync: async (roundSignal) => await session.sync(roundSignal),
      checkpointPath,
      round: checkpoint?.round ?? 0,
      onStatus: (status) => writeStatus(statusFile, status),
      identity: { command, store: session.store.name, archive: session.archive.name, what, target: shown, pid: process.pid },
      everyMs: options.everyMs,
      clock: now,
      monotonicMs: () => performance.now(),
      onNotice: (notice) => diagnostics.warn(notice),
      onEnd: release,
    });
    try {
      await follower.start(signal);
    } catch (error) {
      // A follower that never began leaves no checkpoint.
      if (checkpoint === undefined) removeCheckpoint(checkpointPath);
      await follower.abandon();
      throw error;
    }
    session.tails.add(follower);
    return follower;
  } catch (error) {
    release();
    throw error;
  }
}

/** Refuses a path inside a watched one, and a watch around a followed path: the watch would undo the other. */
function refuseNested({ session, shell }: CommandContext, { command, target }: BeginOptions): void {
  const shown = octetsToText(target);
  const running = readTails(shell.env).filter(
    ({ isRunning, checkpoint }) =>
      isRunning && checkpoint.store === session.store.name && checkpoint.archive === (session.archive?.name ?? ''),
  );
  for (const other of [...session.tails.followers, ...running.map(({ checkpoint }) => checkpoint)]) {
    const isWatch = command === 'watch' || other.command === 'watch';
    if (!isWatch || !(isInside(shown, other.target) || isInside(other.target, shown))) continue;
    throw new UsageError(
      `${command} "${shown}": ${other.what} is ${other.command === 'watch' ? 'watched' : 'followed'} into "${other.target}"`,
      {
        remedy: 'watch makes the tree equal to its local directory: choose a NAME outside it',
      },
    );
  }
}

function isInside(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`);
}
