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

/** Tries for a lock, and milliseconds between them. */
const LOCK_TRIES = 25;
const RETRY_MS = 20;

type Environment = Readonly<Record<string, string | undefined>>;

/** Where checkpoints are: they outlive the login. */
export function tailFolder(env: Environment): string {
  const state = env['XDG_STATE_HOME'];
  return join(
    state?.startsWith('/') === true ? state : join(requireHomeFolder(env['HOME'], 'the records of tails'), '.local/state'),
    'vtftp',
    'tails',
  );
}

/** The checkpoint of what is followed into a path of a session's tree. */
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

/** Releases the lock of a checkpoint. Where there is no checkpoint any more the lock's file goes, too. */
export type Unlock = () => void;

/**
 * Takes the lock of a checkpoint: one process continues from it at a time. It goes with the process. Who only looks has it for an
 * instant, so it is tried for a while.
 *
 * @returns what gives it up; undefined where another process has it
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
  // Its owner may have removed it meanwhile.
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
  /** What the process that has the lock, or had it, reported last. */
  readonly status: FollowerStatus | undefined;
  readonly isRunning: boolean;
  /** Its Store was in a folder that is not there any more. */
  readonly isGone: boolean;
}

/** Whether a Store, by its name, was in a folder that is not there any more. */
function isGone(store: string): boolean {
  const path = /^(?:datadir:)?(\/.*)$/s.exec(store)?.[1];
  // Parameters may follow the path, in which commas may be, too.
  return path !== undefined && !existsSync(path) && !existsSync(path.replace(/,.*$/s, ''));
}

/** Removes the lock's file of a process that died before it had a checkpoint. */
function removeLeftLock(file: string): void {
  if (!existsSync(file) && !isLocked(file)) lockNow(file)?.();
}

/** Forgets what nobody continues with at present. @returns false where somebody does */
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
      // It has another version; a follow of that reports it.
    }
  }
  return records;
}
