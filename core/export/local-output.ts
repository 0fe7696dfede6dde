import { closeSync, constants, fchmodSync, lstatSync, openSync, realpathSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { throwIfCancelled } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsFromBytes } from '../base/octets.ts';
import { errorCode, pathBytes } from '../base/system/system-error.ts';
import { specialFileAt } from './special-file.ts';
import { temporaryPrefix } from './temporary-names.ts';

/** Milliseconds between two attempts to open a FIFO that nobody reads yet. */
const FIFO_LOOK_MS = 50;

/** A local file for output. */
export interface LocalOutput {
  readonly fd: number;
  /** Closes the file, and gives it its name. */
  commit(): void;
  /** Closes the file, and keeps the previous one. Appended data, and data written to a device, remain. */
  rollback(): void;
}

/**
 * How to open a local file. `make` replaces an existing file or symlink, as get does. `redirect` follows a symlink and replaces its target,
 * as a
 * shell does. `append` writes at the end of an existing file.
 */
export type OutputMode = 'make' | 'redirect' | 'append';

/**
 * Opens a local file for writing or appending. A new or replaced file is written under a temporary name and renamed, so it is never
 * incomplete. A device, a FIFO and an open file of a process (`/dev/stdout`) are written to directly, also through a symlink.
 *
 * @param path - absolute
 * @throws SystemError, {VtError} ECANCELLED
 */
export async function openLocalOutput(path: Octets, mode: OutputMode, signal?: AbortSignal): Promise<LocalOutput> {
  const bytes = pathBytes(path);
  const special = specialFileAt(path);
  if (special?.descriptor !== undefined) {
    // A second open would have its own offset, and writes to one would overwrite those to the other.
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
  // Opening a directory, or a path that ends in a slash, throws the system's error.
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

/** Waits until somebody reads a FIFO, and opens it. A blocking open(2) would wait as well, but only SIGKILL could end it. */
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
