import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { VtError } from '../base/errors.ts';
import { makeFolders } from '../base/make-folders.ts';
import { errorCode, errorReason } from '../base/system-error.ts';
import type { ParsingPoint } from '../blockify/growing-content.ts';
import type { FileMark } from './tailed-file.ts';

/** What a checkpoint keeps of one followed path. */
export interface TailMark {
  /** The local path, octets in Base64. */
  readonly path: string;
  /** The path in the tree, likewise. */
  readonly name: string;
  /** What is before it is cut for good; see {@link StablePoint}. */
  readonly stable: number;
  readonly isDeaf: boolean;
  readonly parsing?: ParsingPoint | undefined;
  /** Where reading stands of the file that has the path, and of those that had it before, oldest first. */
  readonly files: readonly FileMark[];
  /** Files that had the path and are read to their end: under another name they are no news. */
  readonly done: readonly FileMark[];
  /** The content so far, whose Blocks are durable, and its metadata: the text of a Dirent. */
  readonly dirent: string;
}

/** What a checkpoint keeps of everything that one command follows. */
export interface Checkpoint {
  readonly version: 1;
  /** `follow` or `watch`; undefined in those of earlier versions. */
  readonly command?: string | undefined;
  readonly store: string;
  readonly archive: string;
  /** Local paths and patterns, and what they become, for people. */
  readonly what: string;
  readonly target: string;
  readonly pid: number;
  /** When it was written: ISO 8601. */
  readonly when: string;
  /** The last root that was recorded, as text. */
  readonly root?: string | undefined;
  /** Octets a second, lately. */
  readonly rate: number;
  /** Files that are followed or watched; undefined in those of earlier versions. */
  readonly files?: number | undefined;
  readonly tails: readonly TailMark[];
}

const VERSION = 1;

/**
 * Reads a checkpoint.
 *
 * @returns undefined where there is none
 * @throws {VtError} EFAILED for one that cannot be read, or is of another version
 */
export function readCheckpoint(path: string): Checkpoint | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw new VtError('EFAILED', `read checkpoint "${path}": ${errorReason(error)}`, { cause: error });
  }
  const remedy = 'remove it to read the files from their start';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new VtError('EFAILED', `read checkpoint "${path}": it is damaged`, { cause, remedy });
  }
  if (isCheckpoint(value)) return value;
  throw new VtError('EFAILED', `read checkpoint "${path}": it is of another version`, { remedy });
}

function isCheckpoint(value: unknown): value is Checkpoint {
  return (
    typeof value === 'object' &&
    value !== null &&
    'version' in value &&
    value.version === VERSION &&
    'tails' in value &&
    Array.isArray(value.tails)
  );
}

/**
 * Writes a checkpoint: durably, and whole or not at all.
 *
 * @throws {VtError} EFAILED
 */
export function writeCheckpoint(path: string, checkpoint: Checkpoint): void {
  const temporary = `${path}.new`;
  const folder = dirname(path);
  try {
    makeFolders(folder, 0o700);
    const fd = openSync(temporary, 'w', 0o600);
    try {
      const data = Buffer.from(`${JSON.stringify(checkpoint)}\n`);
      for (let at = 0; at < data.length; ) at += writeSync(fd, data, at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
    const folderFd = openSync(folder, 'r');
    try {
      fsyncSync(folderFd);
    } finally {
      closeSync(folderFd);
    }
  } catch (cause) {
    throw new VtError('EFAILED', `write checkpoint "${path}": ${errorReason(cause)}`, { cause });
  }
}

/** Removes a checkpoint; none is no error. */
export function removeCheckpoint(path: string): void {
  rmSync(path, { force: true });
}
