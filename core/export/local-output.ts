import { closeSync, constants, fchmodSync, lstatSync, openSync, realpathSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { throwIfCancelled } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsFromBytes } from '../base/octets.ts';
import { errorCode, pathBytes } from '../base/system/system-error.ts';
import { specialFileAt } from './special-file.ts';
import { temporaryPrefix } from './temporary-names.ts';

/** How often a FIFO is looked at that nobody reads yet, in milliseconds. */
const FIFO_LOOK_MS = 50;

/** A local file that results are written to. */
export interface LocalOutput {
  readonly fd: number;
  /** Closes it, and puts it under its name. */
  commit(): void;
  /** Closes it, and leaves what was there before. What was appended, or written into a device, stays. */
  rollback(): void;
}

/**
 * How a local file is opened. `make` makes it, in the place of a symlink too, as get does. `redirect` makes it where a
 * symlink leads, as a shell does. `append` adds to what is there.
 */
export type OutputMode = 'make' | 'redirect' | 'append';

/**
 * Opens a local file to be written, or appended to. A new or replaced file is written under a temporary name and renamed,
 * so that no half one ever is there. A device, a FIFO and the open file of a process (`/dev/stdout`) are written into, also through a symlink.
 *
 * @param path - absolute
 * @throws SystemError, {VtError} ECANCELLED
 */
export async function openLocalOutput(path: Octets, mode: OutputMode, signal?: AbortSignal): Promise<LocalOutput> {
  const bytes = pathBytes(path);
  const special = specialFileAt(path);
  if (special?.descriptor !== undefined) {
    // Opened again it would have an offset of its own, and what is written to either would overwrite the other's.
    return { fd: special.descriptor, commit() {}, rollback() {} };
  }
  const append = mode === 'append';
  if (append || special !== undefined) {
    const flags = constants.O_WRONLY | constants.O_CREAT | (append || special?.kind === 'open file' ? constants.O_APPEND : 0);
    const fd = special?.kind === 'fifo' ? await openFifo(bytes, signal) : openSync(bytes, flags, 0o666);
    const close = (): void => closeSync(fd);
    return { fd, commit: close, rollback: close };
  }
  const present = statSync(bytes, { throwIfNoEntry: false });
  // A directory, or a path that can be one only: the system says so.
  if (present?.isFile() === false || path.endsWith('/')) closeSync(openSync(bytes, constants.O_WRONLY | constants.O_CREAT));
  const isReplaced = mode === 'make' && lstatSync(bytes, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  const final = present === undefined || isReplaced ? path : octetsFromBytes(realpathSync.native(bytes, 'buffer'));
  const temporary = pathBytes(`${final.slice(0, final.lastIndexOf('/') + 1)}${temporaryPrefix()}0` as Octets);
  const fd = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o666);
  if (present !== undefined && !isReplaced) fchmodSync(fd, present.mode & 0o7777);
  let isOpen = true;
  const close = (): void => {
    if (isOpen) closeSync(fd);
    isOpen = false;
  };
  return {
    fd,
    commit() {
      close();
      renameSync(temporary, pathBytes(final));
    },
    rollback() {
      close();
      unlinkSync(temporary);
    },
  };
}

/** Waits until somebody reads a FIFO. open(2) would wait too, and nothing but SIGKILL would end that. */
async function openFifo(path: Buffer, signal: AbortSignal | undefined): Promise<number> {
  for (;;) {
    throwIfCancelled(signal);
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if (errorCode(error) !== 'ENXIO') throw error;
    }
    await delay(FIFO_LOOK_MS);
  }
}
