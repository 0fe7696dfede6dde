import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { ParseError, throwIfCancelled, VtError } from '../base/errors.ts';
import { tryLock } from '../base/system/file-lock.ts';
import { PRIVATE_ACCESS, type StoreAccess } from '../base/system/store-files.ts';
import { errorCode, errorReason } from '../base/system/system-error.ts';
import type { ArchiveLine } from './archive-line.ts';
import type { FileLine } from './archive-scan.ts';
import { tryArchiveLine } from './count-entries.ts';

// Opens and locks the file of an archive, and parses its lines.

/** Milliseconds between two attempts to lock. */
const LOCK_RETRY_MS = 10;

/** Opens an archive for reading; undefined if the file does not exist. @throws {VtError} EOPEN if it cannot be opened */
export async function openIfThere(path: string, access: StoreAccess | undefined): Promise<FileHandle | undefined> {
  try {
    return await openPlain(path, constants.O_RDONLY, access);
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw openError(path, cause);
  }
}

/** Opens a regular file, and throws for anything else. O_NONBLOCK keeps the open of a FIFO from waiting for its other end. */
export async function openPlain(path: string, flags: number, access: StoreAccess | undefined): Promise<FileHandle> {
  const file = await open(path, flags | constants.O_NONBLOCK | (access === undefined ? 0 : constants.O_NOFOLLOW));
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new Error('not a file');
}

function openError(path: string, cause: unknown): VtError {
  const reason = errorCode(cause) === 'ELOOP' ? 'it is a symlink; a Store has only regular files' : errorReason(cause);
  return new VtError('EOPEN', `open archive "${path}": ${reason}`, { cause });
}

/**
 * Opens a file for appending, makes it if it does not exist, and locks it. The lock ends when the descriptor is closed. If another
 * file has taken the path while we waited, that one is opened instead.
 *
 * @throws {VtError} EOPEN if it cannot be opened; ECANCELLED when the signal fires
 */
export async function openLocked(path: string, access: StoreAccess | undefined, signal: AbortSignal | undefined): Promise<FileHandle> {
  for (;;) {
    const file = await openToAppend(path, access);
    try {
      await lock(file, signal);
      const [ours, current] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
      if (current !== undefined && current.ino === ours.ino && current.dev === ours.dev) return file;
    } catch (error) {
      await file.close();
      throw error;
    }
    await file.close();
  }
}

async function openToAppend(path: string, access: StoreAccess | undefined): Promise<FileHandle> {
  try {
    for (;;) {
      try {
        return await openPlain(path, constants.O_RDWR | constants.O_APPEND, access);
      } catch (error) {
        if (errorCode(error) !== 'ENOENT') throw error;
      }
      // In a Store, O_EXCL refuses a dangling symlink, since vtftp makes none. Elsewhere the user made it on purpose.
      const mode = (access ?? PRIVATE_ACCESS).fileMode;
      const alone = access === undefined ? 0 : constants.O_EXCL;
      const file = await open(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | alone, mode).catch(unlessThere);
      if (file === undefined) continue;
      await file.chmod(mode).catch(() => undefined); // a filesystem without modes
      return file;
    }
  } catch (cause) {
    throw openError(path, cause);
  }
}

function unlessThere(error: unknown): undefined {
  if (errorCode(error) !== 'EEXIST') throw error;
}

async function lock(file: FileHandle, signal: AbortSignal | undefined): Promise<void> {
  // Without lock support, O_APPEND and one write per line still keep lines whole.
  while (tryLock(file.fd) === 'taken') {
    throwIfCancelled(signal);
    await delay(LOCK_RETRY_MS);
  }
}

/** Parses a line: its contents, undefined for an empty line or a comment, or the error. */
export function readLine({ start, end, text }: FileLine): ArchiveLine | VtError | undefined {
  if (text === undefined) return new ParseError(`read archive line: ${end - start} bytes`, 0);
  return tryArchiveLine(text);
}
