import type { BigIntStats } from 'node:fs';
import { readdirSync } from 'node:fs';
import type { Octets } from '../base/octets.ts';
import { pathBytes } from '../base/system/system-error.ts';
import { parentOf } from './local-pattern.ts';
import { statOf, statOfItself } from './stat-of.ts';
import type { FileMark, FileOpener } from './tailed-file.ts';
import { TailedFile } from './tailed-file.ts';

// Names that logrotate(8) and similar programs give to rotated logs: `log.1`, `log-20261122`, `log.1-1700000000`. Compressed files do not
// match: their bytes differ.

const ROTATED = /^[.-]\d[\d._T:-]*$/;

/** A file beside a log with the name of a rotated one. */
export interface RotatedFile {
  readonly path: Octets;
  readonly stat: BigIntStats;
}

/** Attempts to list a folder while files in it are being renamed. */
const MAX_TRIES = 50;

/**
 * Opens the wanted rotated files of a path, the one with the oldest mtime first. A rotation in progress renames files one by one, so the
 * folder is listed again until nothing moved meanwhile.
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

/** The rotated files of a path, and whether none moved while they were listed. */
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

/** Opens a file; undefined if it is not a regular file or cannot be opened, for example because it is gone. */
export function openOrNone(path: Octets, opener: FileOpener): TailedFile | undefined {
  try {
    return TailedFile.open(path, opener);
  } catch {
    return undefined;
  }
}

/**
 * Finds the file of a mark under its present name, or a copy of it that has the bytes not read yet.
 *
 * @param path - its former path
 * @param mark - the read position
 * @param opener - opens files
 * @param taken - whether a file belongs to another tail
 * @returns the file, positioned after the bytes read; undefined if there is none
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
  // A copy is at least as new as the bytes read.
  const beside = openRotated(
    path,
    opener,
    (file) => !taken(file.stat) && (isSame(file.stat) || (mark.offset > 0 && file.stat.mtimeNs >= BigInt(mark.mtimeNs))),
  );
  const found = [...beside.filter(isSame), ...beside.filter((file) => !isSame(file))].find((file) => file.resume(mark));
  for (const file of beside) if (file !== found) file.close();
  return found;
}
