import { createHash } from 'node:crypto';
import { closeSync, existsSync, fstatSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Octets } from '../../../core/base/octets.ts';
import { isUnlocked, tryLock } from '../../../core/base/system/file-lock.ts';
import { requireHomeFolder } from '../../../core/base/system/home-folder.ts';
import { makeFolders } from '../../../core/base/system/make-folders.ts';
import type { Checkpoint } from '../../../core/follow/checkpoint.ts';
import { readCheckpoint, removeCheckpoint } from '../../../core/follow/checkpoint.ts';
import type { FollowerStatus } from '../../../core/follow/follower-status.ts';
import { readStatus } from '../../../core/follow/follower-status.ts';
import type { Session } from '../../session.ts';

/** Attempts to get a lock, and milliseconds between them. */
const LOCK_TRIES = 25;
const RETRY_MS = 20;

type Environment = Readonly<Record<string, string | undefined>>;

/** The folder of checkpoints, which outlives the login. */
export function tailFolder(env: Environment): string {
  const state = env['XDG_STATE_HOME'];
  return join(
    state?.startsWith('/') === true ? state : join(requireHomeFolder(env['HOME'], 'the records of tails'), '.local/state'),
    'vtftp',
    'tails',
  );
}

/** The checkpoint file of a followed path of a session's tree. */
export function tailFile(env: Environment, { store, archive }: Session, target: Octets): string {
  const key = createHash('sha256')
    .update([store.name, archive?.name ?? '', target].join('\0'))
    .digest('hex')
    .slice(0, 24);
  return join(tailFolder(env), `${key}.json`);
}

/** The file that is locked while a process continues from a checkpoint; that process writes its status into it. */
export function lockFile(file: string): string {
  return `${file}.lock`;
}

/** Releases the lock of a checkpoint, and removes the lock file if the checkpoint is gone. */
export type Unlock = () => void;

/**
 * Locks a checkpoint, so that only one process continues from it. The lock ends with the process. Others hold it briefly to look, so it
 * tries for half a second.
 *
 * @returns the function that releases it; undefined if another process has it
 */
export async function lockTail(file: string): Promise<Unlock | undefined> {
  makeFolders(tailFolderOf(file), 0o700);
  for (let tries = 1; ; tries++) {
    const unlock = lockNow(file);
    if (unlock !== undefined || tries === LOCK_TRIES) return unlock;
    await delay(RETRY_MS);
  }
}

function lockNow(file: string): Unlock | undefined {
  const lock = lockFile(file);
  const fd = openSync(lock, 'a', 0o600);
  // The owner may have removed the file meanwhile.
  if (tryLock(fd) !== 'held' || statSync(lock, { throwIfNoEntry: false })?.ino !== fstatSync(fd).ino) {
    closeSync(fd);
    return undefined;
  }
  let isHeld = true;
  return () => {
    if (!isHeld) return;
    isHeld = false;
    if (!existsSync(file)) rmSync(lock, { force: true });
    closeSync(fd);
  };
}

function isLocked(file: string): boolean {
  let fd: number;
  try {
    fd = openSync(lockFile(file), 'r');
  } catch {
    return false;
  }
  const isFree = isUnlocked(fd);
  closeSync(fd);
  return !isFree;
}

function tailFolderOf(file: string): string {
  return file.slice(0, file.lastIndexOf('/'));
}

/** A checkpoint, and whether a process continues from it at present. */
export interface TailRecord {
  readonly file: string;
  readonly checkpoint: Checkpoint;
  /** The last status of the process that has or had the lock. */
  readonly status: FollowerStatus | undefined;
  readonly isRunning: boolean;
  /** Whether its Store was in a folder that no longer exists. */
  readonly isGone: boolean;
}

/** Whether a Store was, by its name, in a folder that no longer exists. */
function isGone(store: string): boolean {
  const path = /^(?:datadir:)?(\/.*)$/s.exec(store)?.[1];
  // Parameters may follow the path, but the path itself may have commas too.
  return path !== undefined && !existsSync(path) && !existsSync(path.replace(/,.*$/s, ''));
}

/** Removes the lock file of a process that died before it had a checkpoint. */
function removeLeftLock(file: string): void {
  if (!existsSync(file) && !isLocked(file)) lockNow(file)?.();
}

/** Removes a checkpoint that no process uses. @returns false if one does */
export async function forgetTail(file: string): Promise<boolean> {
  const unlock = await lockTail(file);
  if (unlock === undefined) return false;
  removeCheckpoint(file);
  unlock();
  return true;
}

/** Every checkpoint that can be read. */
export function readTails(env: Environment): TailRecord[] {
  const records: TailRecord[] = [];
  let names: string[];
  try {
    names = readdirSync(tailFolder(env));
  } catch {
    return [];
  }
  for (const name of names.sort()) {
    if (name.endsWith('.json.lock')) removeLeftLock(join(tailFolder(env), name.slice(0, -'.lock'.length)));
    if (!name.endsWith('.json')) continue;
    const file = join(tailFolder(env), name);
    try {
      const checkpoint = readCheckpoint(file);
      if (checkpoint === undefined) continue;
      const { store } = checkpoint;
      records.push({ file, checkpoint, status: readStatus(lockFile(file)), isRunning: isLocked(file), isGone: isGone(store) });
    } catch {
      // It is unreadable or has another version; `follow` reports that.
    }
  }
  return records;
}
