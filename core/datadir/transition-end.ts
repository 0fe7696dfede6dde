import { closeSync, lstatSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { VtError } from '../base/errors.ts';
import { tryLock } from '../base/system/file-lock.ts';
import { accessFor, openOrCreateStoreFile } from '../base/system/store-files.ts';
import { syncFolder } from '../base/system/sync-folder.ts';
import type { HashName } from '../block/hash.ts';
import type { DatadirFormat } from './datadir-format.ts';
import { readDatadirFormat, writeDatadirFormat } from './datadir-format.ts';

// The end of a transition in place. What it made is in a folder of the Store, itself a datadir. Two writings of the format file enclose
// the moves: the first gives the Store its new hash function. Each move can be done again after a kill. @see vt(5), "Datadirs"

/** In a datadir: what a transition in place has made so far. */
export const TRANSITION_FOLDER = 'transition';

/** Tells every session that opens the Store from now on that a transition is about to end. */
export function announceEnd(folder: string, hashName: HashName): void {
  writeDatadirFormat(folder, { ...formatOf(folder), becoming: hashName });
}

/** Takes back what was announced, where nothing was moved yet. */
export function revokeEnd(folder: string): DatadirFormat {
  const { becoming: _becoming, ...format } = formatOf(folder);
  writeDatadirFormat(folder, format);
  return format;
}

/** Gives the Store its new hash function, and moves what was made to its place. The maintenance lock is held, and nobody else is at work. */
export function endTransition(folder: string): DatadirFormat {
  const format = formatOf(folder);
  const { becoming = format.hashName, ...rest } = format;
  const ended = { ...rest, hashName: becoming, isMixed: true };
  if (format.hashName !== becoming) writeDatadirFormat(folder, { ...ended, generation: format.generation + 1, becoming });
  const made = join(folder, TRANSITION_FOLDER);
  if (isFolder(made)) {
    moveFiles(join(made, 'data'), join(folder, 'data'), '.vtd');
    moveFiles(join(made, 'archives'), join(folder, 'archives'), '.vt');
    if (isFolder(join(made, 'index'))) {
      rmSync(join(folder, 'index'), { recursive: true, force: true });
      renameSync(join(made, 'index'), join(folder, 'index'));
      syncFolder(folder);
    }
  }
  const last = { ...ended, generation: formatOf(folder).generation };
  writeDatadirFormat(folder, last);
  rmSync(made, { recursive: true, force: true });
  return last;
}

/**
 * Ends a transition that was killed while it ended, or takes it back where it had moved nothing.
 *
 * @throws {VtError} ELOCKED where it is still at work; EOPEN where it has to be ended and nothing may be written
 */
export function settleTransition(folder: string, format: DatadirFormat, readOnly: boolean): DatadirFormat {
  const { becoming } = format;
  if (becoming === undefined) return format;
  if (readOnly) {
    if (becoming !== format.hashName) return format;
    throw new VtError('EOPEN', `open Store "${folder}": a transition to ${becoming} was killed at its end`, {
      remedy: 'open the Store once with write access, to complete it',
    });
  }
  const fd = openOrCreateStoreFile(join(folder, 'maintenance.lock'), accessFor(format.shared));
  try {
    if (tryLock(fd) === 'taken')
      throw new VtError('ELOCKED', `open Store "${folder}": a transition to ${becoming} is ending`, { remedy: 'wait for its end' });
    const now = formatOf(folder);
    if (now.becoming === undefined) return now;
    return now.becoming === now.hashName ? endTransition(folder) : revokeEnd(folder);
  } finally {
    closeSync(fd);
  }
}

function formatOf(folder: string): DatadirFormat {
  const format = readDatadirFormat(folder);
  if (format === undefined) throw new VtError('EOPEN', `open Store "${folder}": its format file is gone`);
  return format;
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function moveFiles(from: string, to: string, suffix: string): void {
  if (!isFolder(from)) return;
  for (const name of readdirSync(from)) if (name.endsWith(suffix)) renameSync(join(from, name), join(to, name));
  syncFolder(to);
}
