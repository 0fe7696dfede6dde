import { closeSync } from 'node:fs';
import { VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import type { AtCalls, CName } from '../base/system/at-calls.ts';
import { cName } from '../base/system/at-calls.ts';
import { isSameNode } from '../base/system/node-stat.ts';
import { openBelow } from './export-dir.ts';
import type { NamedPlace } from './export-links.ts';
import { isDirectory, isIdentical } from './export-nodes.ts';

/** Makes a node under a name. The name is a temporary one if an existing node must be replaced by a rename. */
export type MakeNode = (name: CName) => void;

/**
 * Whether an existing node at a place is to be kept.
 *
 * @throws {VtError} EFAILED if a directory is in the way
 */
export function mayStay(
  at: AtCalls,
  { dir, name, dirent }: NamedPlace,
  options: { readonly existing: 'replace' | 'keep'; readonly resume: boolean; readonly grainNs: bigint },
): boolean {
  if (dir.isFresh) return false;
  const seen = at.stat(dir.fd, cName(name));
  if (seen === undefined) return false;
  if (isDirectory(seen)) throw inTheWay();
  if (options.existing === 'keep') return true;
  return options.resume && isIdentical(seen, dirent, options.grainNs, () => at.readlink(dir.fd, cName(name)));
}

/** Makes a node under its own name in a new directory. Else makes it under a temporary name, and renames it over an existing node. */
export function makeAt(at: AtCalls, { dir, name }: NamedPlace, temporary: CName, make: MakeNode): void {
  if (dir.isFresh) {
    make(cName(name));
    return;
  }
  try {
    make(temporary);
    at.rename(dir.fd, temporary, cName(name));
  } catch (error) {
    at.unlink(dir.fd, temporary);
    throw error;
  }
}

/**
 * Makes a hard link at `place` to the node at `first`.
 *
 * @param top - the directory to which the paths of places are relative
 * @throws {VtError} EFAILED if a directory is in the way
 */
export function linkAt(at: AtCalls, top: number, first: NamedPlace, place: NamedPlace, temporary: CName): void {
  const wasOpen = first.dir.isOpen;
  const fromDir = wasOpen ? first.dir.fd : openBelow(at, top, parentOf(first.path));
  try {
    const from = cName(first.name);
    const seen = place.dir.isFresh ? undefined : at.stat(place.dir.fd, cName(place.name));
    if (seen !== undefined) {
      if (isDirectory(seen)) throw inTheWay();
      const node = at.stat(fromDir, from);
      // If both names are of one node, rename(2) does nothing, and the temporary name would remain.
      if (node !== undefined && isSameNode(node, seen)) return;
    }
    makeAt(at, place, temporary, (name) => at.link(fromDir, from, place.dir.fd, name));
  } finally {
    if (!wasOpen) closeSync(fromDir);
  }
}

function inTheWay(): VtError {
  return new VtError('EFAILED', 'write over a local directory: in the way');
}

function parentOf(path: Octets): Octets {
  return path.slice(0, Math.max(0, path.lastIndexOf('/'))) as Octets;
}
