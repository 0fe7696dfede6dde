import type { BigIntStats } from 'node:fs';
import { readdirSync, statSync } from 'node:fs';
import type { Octets } from '../base/octets.ts';
import { pathBytes } from '../base/system-error.ts';
import { parentOf } from './local-pattern.ts';
import type { FileMark } from './tailed-file.ts';
import { TailedFile } from './tailed-file.ts';

// What logrotate(8) and its like leave of a log beside it: `log.1`, `log-20261122`, `log.1-1700000000`. Compressed ones hold other octets.

const ROTATED = /^[.-]\d[\d._T:-]*$/;

/** A file beside a log under the name of a rotated one. */
export interface RotatedFile {
  readonly path: Octets;
  readonly stat: BigIntStats;
}

/** The rotated files of a path, the one that was changed first first. */
export function rotatedFiles(path: Octets): RotatedFile[] {
  const folder = parentOf(path);
  const base = path.slice(path.lastIndexOf('/') + 1);
  let names: string[];
  try {
    names = readdirSync(pathBytes(folder), 'latin1');
  } catch {
    return [];
  }
  const found: RotatedFile[] = [];
  for (const name of names) {
    if (!name.startsWith(base) || !ROTATED.test(name.slice(base.length))) continue;
    const at = `${folder === '/' ? '' : folder}/${name}` as Octets;
    const stat = statOf(at);
    if (stat?.isFile() === true) found.push({ path: at, stat });
  }
  return found.sort((a, b) => Number(a.stat.mtimeNs - b.stat.mtimeNs));
}

/** The state of what a path leads to; undefined where nothing is, or cannot be reached. */
export function statOf(path: Octets): BigIntStats | undefined {
  try {
    return statSync(pathBytes(path), { bigint: true });
  } catch {
    return undefined;
  }
}

/** Opens a file; undefined where it is none, or cannot be opened: it may have gone meanwhile. */
export function openOrNone(path: Octets): TailedFile | undefined {
  try {
    return TailedFile.open(path);
  } catch {
    return undefined;
  }
}

/**
 * Finds the file that reading stood in, wherever rotation took it, or a copy of it that has what was not read yet.
 *
 * @param path - what it was called
 * @param taken - whether a file is somebody else's
 * @returns ready to be read on
 */
export function findMarked(
  path: Octets,
  mark: FileMark,
  taken: (file: { readonly dev: bigint; readonly ino: bigint }) => boolean,
): TailedFile | undefined {
  const stat = statOf(path);
  const here = stat?.isFile() === true ? [{ path, stat }] : [];
  // A copy is no older than what was read of the file.
  const beside = rotatedFiles(path).filter((file) => file.stat.ino === BigInt(mark.ino) || file.stat.mtimeNs >= BigInt(mark.mtimeNs));
  const isSame = (file: RotatedFile): boolean => file.stat.ino === BigInt(mark.ino);
  const all = [...here, ...beside];
  for (const candidate of [...all.filter(isSame), ...all.filter((file) => !isSame(file) && mark.offset > 0)]) {
    if (taken(candidate.stat)) continue;
    const file = openOrNone(candidate.path);
    if (file?.resume(mark) === true) return file;
    file?.close();
  }
  return undefined;
}
