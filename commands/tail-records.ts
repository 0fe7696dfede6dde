import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { tryLock } from '../core/base/file-lock.ts';
import { makeFolders } from '../core/base/make-folders.ts';
import type { Octets } from '../core/base/octets.ts';
import type { Checkpoint } from '../core/tail/checkpoint.ts';
import { readCheckpoint } from '../core/tail/checkpoint.ts';
import type { Session } from './session.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where checkpoints lie: they outlive the login. */
export function tailFolder(env: Environment): string {
  const state = env['XDG_STATE_HOME'];
  return join(state?.startsWith('/') === true ? state : join(env['HOME'] ?? homedir(), '.local/state'), 'vtftp', 'tails');
}

/** The checkpoint of what is followed into a path of a session's tree. */
export function tailFile(env: Environment, { store, archive }: Session, target: Octets): string {
  const key = createHash('sha256')
    .update([store.name, archive?.name ?? '', target].join('\0'))
    .digest('hex')
    .slice(0, 24);
  return join(tailFolder(env), `${key}.json`);
}

/**
 * Takes the lock of a checkpoint: one process goes on from it at a time. It goes with the process.
 *
 * @returns what gives it up; undefined where another process has it
 */
export function lockTail(file: string): (() => void) | undefined {
  makeFolders(tailFolderOf(file), 0o700);
  const fd = openSync(`${file}.lock`, 'a', 0o600);
  if (!tryLock(fd)) {
    closeSync(fd);
    return undefined;
  }
  let isHeld = true;
  return () => {
    if (isHeld) closeSync(fd);
    isHeld = false;
  };
}

function tailFolderOf(file: string): string {
  return file.slice(0, file.lastIndexOf('/'));
}

/** A checkpoint, and whether a process goes on from it at present. */
export interface TailRecord {
  readonly file: string;
  readonly checkpoint: Checkpoint;
  readonly isRunning: boolean;
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
    if (!name.endsWith('.json')) continue;
    const file = join(tailFolder(env), name);
    try {
      const checkpoint = readCheckpoint(file);
      if (checkpoint === undefined) continue;
      const unlock = lockTail(file);
      unlock?.();
      records.push({ file, checkpoint, isRunning: unlock === undefined });
    } catch {
      // Of another version; whoever follows that is told.
    }
  }
  return records;
}
