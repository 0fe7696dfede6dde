import { chmodSync, lchownSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Shared, StoreAccess } from '../base/system/store-files.ts';
import { FORMAT_FILE } from './datadir-format.ts';

// The owner of a datadir, and which users may use it.

/** What a datadir holds at its top: whatever else is there is somebody else's. */
const OWN_NAMES: readonly string[] = [
  FORMAT_FILE,
  'data',
  'index',
  'index.lock',
  'archives',
  'names',
  'writers',
  'journals',
  'scrubbed',
  'maintenance.lock',
  'reserve',
  'transition',
];
/** Permissions of others than the owner. */
const OTHERS = 0o077;
const PERMISSIONS = 0o7777;

/**
 * The owner of a folder, if that is neither this user nor root: the owner of a Store can put anything in the place of its files at
 * any time.
 *
 * @returns undefined where it is one of them, is not there, or this system has no owners
 */
export function foreignOwner(folder: string): number | undefined {
  const uid = process.geteuid?.();
  const owner = lstatSync(folder, { throwIfNoEntry: false })?.uid;
  return uid === undefined || owner === undefined || owner === uid || owner === 0 ? undefined : owner;
}

/** Whether a session may write to a Store of somebody else. Root does so only if it is asked to: for root a trap is worth setting. */
export function mayWriteForeign(shared: Shared | undefined, isTrusted: boolean): boolean {
  return isTrusted || (shared !== undefined && shared !== 'no' && process.geteuid?.() !== 0);
}

/** Whether others can read what a Store holds. */
export function isOpenToOthers(folder: string): boolean {
  return [folder, join(folder, 'data')].every((path) => ((lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0) & OTHERS) !== 0);
}

/** Whether what a Store holds has the modes it should have, as far as one look tells. */
export function hasAccess(folder: string, access: StoreAccess): boolean {
  const found = lstatSync(join(folder, 'data'), { throwIfNoEntry: false });
  return found === undefined || (found.mode & PERMISSIONS) === access.folderMode;
}

/** Gives all that a Store holds its modes, and the group of its folder. @throws the system's error where this user may not */
export function giveAccess(folder: string, access: StoreAccess): void {
  chmodSync(folder, access.folderMode);
  const { gid } = lstatSync(folder);
  for (const name of OWN_NAMES) giveAccessBelow(join(folder, name), access, gid);
}

function giveAccessBelow(path: string, access: StoreAccess, gid: number): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || !(found.isFile() || found.isDirectory())) return;
  if (found.gid !== gid) lchownSync(path, found.uid, gid);
  chmodSync(path, found.isDirectory() ? access.folderMode : access.fileMode);
  if (found.isDirectory()) for (const name of readdirSync(path)) giveAccessBelow(join(path, name), access, gid);
}
