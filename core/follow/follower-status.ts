import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { readStateFile } from '../base/system/read-state-file.ts';

/**
 * What a following process reports to others, in a file beside its checkpoint. Each report overwrites the last in place, so it succeeds
 * even on a full disk.
 */
export interface FollowerStatus {
  /** The last round whose root was recorded; see {@link Checkpoint}. */
  readonly round: number;
  /** That root, as text. */
  readonly root?: string | undefined;
  /** Why the rounds since then failed. `since`: the time of the first failure, in ISO 8601. */
  readonly trouble?: string | undefined;
  readonly since?: string | undefined;
}

/** Size of a status in bytes, padded with blanks, so that the next one fits exactly. */
const STATUS_SIZE = 4096;

/** Bytes of `trouble` that are kept, before quotes are escaped. */
const MAX_TROUBLE = 400;

/** Longest text of a root that is kept, in bytes. */
const MAX_ROOT = 1024;

/** Writes a status; a failure is ignored, since nothing depends on it. @param file - an existing file */
export function writeStatus(file: string, { round, root, trouble, since }: FollowerStatus): void {
  const cut = trouble === undefined ? undefined : Buffer.from(trouble).subarray(0, MAX_TROUBLE).toString();
  const text = Buffer.alloc(STATUS_SIZE, ' ');
  // The attributes of a top Dir may have any size: a long text is left out.
  text.write(JSON.stringify({ round, since, trouble: cut, root: (root?.length ?? 0) > MAX_ROOT ? undefined : root }));
  try {
    const fd = openSync(file, constants.O_WRONLY | constants.O_NOFOLLOW);
    try {
      writeSync(fd, text, 0, text.length, 0);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Readers then treat the checkpoint as unrecorded, which is the safe case.
  }
}

/** Reads the last status; undefined if there is none, or if it is just being written. */
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
