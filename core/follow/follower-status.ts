import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { readStateFile } from '../base/system/read-state-file.ts';

/**
 * What a process that follows tells others, beside its checkpoint. It is written over what was reported before, which takes no room:
 * on a full disk it is still told.
 */
export interface FollowerStatus {
  /** The round whose root was recorded last; see {@link Checkpoint}. */
  readonly round: number;
  /** That root. */
  readonly root?: string | undefined;
  /** Why the rounds since then failed, and since when: ISO 8601. */
  readonly trouble?: string | undefined;
  readonly since?: string | undefined;
}

/** Bytes of a status, with blanks at its end: always as many, so that the next one is as long. */
const STATUS_SIZE = 4096;

/** Bytes of a status that trouble may take, before quotes are escaped. */
const MAX_TROUBLE = 400;

/** Bytes of a root's text at most. */
const MAX_ROOT = 1024;

/** Tells it, as far as that is possible: nothing hangs on it. @param file - which is there */
export function writeStatus(file: string, { round, root, trouble, since }: FollowerStatus): void {
  const cut = trouble === undefined ? undefined : Buffer.from(trouble).subarray(0, MAX_TROUBLE).toString();
  const text = Buffer.alloc(STATUS_SIZE, ' ');
  // A top Dir may have any amount of attributes; its text is then left out.
  text.write(JSON.stringify({ round, since, trouble: cut, root: (root?.length ?? 0) > MAX_ROOT ? undefined : root }));
  try {
    const fd = openSync(file, constants.O_WRONLY | constants.O_NOFOLLOW);
    try {
      writeSync(fd, text, 0, text.length, 0);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Its callers then treat the checkpoint as unrecorded, which is the safe case.
  }
}

/** What was reported last; undefined where nothing was, or it is being written. */
export function readStatus(file: string): FollowerStatus | undefined {
  try {
    const value: unknown = JSON.parse(readStateFile(file).toString());
    return typeof value === 'object' && value !== null && 'round' in value && typeof value.round === 'number'
      ? (value as FollowerStatus)
      : undefined;
  } catch {
    return undefined;
  }
}
