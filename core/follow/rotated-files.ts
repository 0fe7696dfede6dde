import type { BigIntStats } from 'node:fs';
import { readdirSync } from 'node:fs';
import type { Octets } from '../base/octets.ts';
import { pathBytes } from '../base/system/system-error.ts';
import { parentOf } from './local-pattern.ts';
import { statOf, statOfItself } from './stat-of.ts';
import type { FileMark, FileOpener } from './tailed-file.ts';
import { TailedFile } from './tailed-file.ts';

// What logrotate(8) and its like leave of a log beside it: `log.1`, `log-20261122`, `log.1-1700000000`. Compressed ones hold other bytes.

const ROTATED = /^[.-]\d[\d._T:-]*$/;

/** A file beside a log under the name of a rotated one. */
export interface RotatedFile {
  readonly path: Octets;
  readonly stat: BigIntStats;
}

/** Times that a folder is looked at again where files are renamed at that very moment. */
const MAX_TRIES = 50;

/**
 * Opens the rotated files of a path that are wanted, the one that was changed first first. A rotation that is in progress renames
 * them one after the other: it is looked again until nothing moved meanwhile.
 */
export function openRotated(path: Octets, opener: FileOpener, isWanted: (file: RotatedFile) => boolean): TailedFile[] {
  for (let tries = 1; ; tries++) {
    const found = rotatedFiles(path);
    const wanted = found.files.filter(isWanted);
    const opened = wanted.map((each) => openOrNone(each.path, opener));
    const files = opened.filter((file) => file !== undefined);
    const isSame = found.isWhole && wanted.every(({ stat }, i) => opened[i]?.isOf(stat) === true);
    if (isSame || tries === MAX_TRIES) return files;
    for (const file of files) file.close();
  }
}

/** The rotated files of a path, and whether nothing moved while they were looked at. */
function rotatedFiles(path: Octets): { readonly files: readonly RotatedFile[]; readonly isWhole: boolean } {
  const before = rotatedNames(path);
  if (before.length === 0) return { files: [], isWhole: true };
  const files: RotatedFile[] = [];
  for (const at of before) {
    const stat = statOfItself(at);
    if (stat?.isFile() === true) files.push({ path: at, stat });
  }
  const inodes = new Set(files.map(({ stat }) => stat.ino));
  const isWhole = inodes.size === files.length && rotatedNames(path).join('\0') === before.join('\0');
  return { files: files.sort((a, b) => Number(a.stat.mtimeNs - b.stat.mtimeNs)), isWhole };
}

function rotatedNames(path: Octets): Octets[] {
  const folder = parentOf(path);
  const base = path.slice(path.lastIndexOf('/') + 1);
  try {
    return readdirSync(pathBytes(folder), 'latin1')
      .filter((name) => name.startsWith(base) && ROTATED.test(name.slice(base.length)))
      .map((name) => `${folder === '/' ? '' : folder}/${name}` as Octets);
  } catch {
    return [];
  }
}

/** Opens a file; undefined where it is none, or cannot be opened: it may have gone meanwhile. */
export function openOrNone(path: Octets, opener: FileOpener): TailedFile | undefined {
  try {
    return TailedFile.open(path, opener);
  } catch {
    return undefined;
  }
}

/**
 * Finds the file that reading was in, wherever rotation took it, or a copy of it that has what was not read yet.
 *
 * @param path - what it was called
 * @param opener - opens files
 * @param taken - whether a file is somebody else's
 * @returns ready to be read on
 */
export function findMarked(
  path: Octets,
  mark: FileMark,
  opener: FileOpener,
  taken: (file: { readonly dev: bigint; readonly ino: bigint }) => boolean,
): TailedFile | undefined {
  const stat = statOf(path);
  if (stat?.isFile() === true && !taken(stat) && (stat.ino === BigInt(mark.ino) || mark.offset > 0)) {
    const file = openOrNone(path, opener);
    if (file?.resume(mark) === true) return file;
    file?.close();
  }
  const isSame = (file: { readonly ino: bigint }): boolean => file.ino === BigInt(mark.ino);
  // A copy is no older than what was read of the file.
  const beside = openRotated(
    path,
    opener,
    (file) => !taken(file.stat) && (isSame(file.stat) || (mark.offset > 0 && file.stat.mtimeNs >= BigInt(mark.mtimeNs))),
  );
  const found = [...beside.filter(isSame), ...beside.filter((file) => !isSame(file))].find((file) => file.resume(mark));
  for (const file of beside) if (file !== found) file.close();
  return found;
}
