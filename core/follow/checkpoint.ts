import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { VtError } from '../base/errors.ts';
import { type Octets, octetsFromBytes, octetsToBytes } from '../base/octets.ts';
import { makeFolders } from '../base/system/make-folders.ts';
import { readStateFile } from '../base/system/read-state-file.ts';
import { syncFolder } from '../base/system/sync-folder.ts';
import { errorCode, errorReason } from '../base/system/system-error.ts';
import type { ParsingPoint } from '../blockify/growing-content.ts';
import type { FileDirent } from '../dirent/dirent.ts';
import { parseDirent } from '../dirent/dirent-text.ts';
import type { FileMark } from './tailed-file.ts';

/** How far one followed path is taken in. */
export interface TailState {
  /** What is before it is cut for good; see {@link StablePoint}. */
  readonly stable: number;
  readonly isDeaf: boolean;
  readonly parsing?: ParsingPoint | undefined;
  /** Where reading is of the file that has the path, and of those that had it before, oldest first. */
  readonly files: readonly FileMark[];
  /** Files that had the path and are read to their end: under another name they are no news. */
  readonly done: readonly FileMark[];
  /** The content so far, whose Blocks are durable, and its metadata: the text of a Dirent. */
  readonly dirent: string;
}

/** What a checkpoint keeps of one followed path. */
export interface TailMark extends TailState {
  /** The local path, bytes in Base64. */
  readonly path: string;
  /** The path in the tree, likewise. */
  readonly name: string;
  /** What the root before has of it, if that is something else; null where it has nothing. */
  readonly recorded?: TailState | null | undefined;
}

/**
 * What a checkpoint keeps of everything that one command follows. It is written before the root that has this state, so that a
 * kill loses nothing that was read. The tree says whether that root was recorded; so does {@link FollowerStatus} until then.
 */
export interface Checkpoint {
  /** Counts the roots that were to be recorded. */
  readonly round: number;
  /** `follow` or `watch`; undefined in checkpoints of early versions. */
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
  /** Bytes a second, lately. */
  readonly rate: number;
  /** Files that are followed or watched; undefined in checkpoints of early versions. */
  readonly files?: number | undefined;
  readonly tails: readonly TailMark[];
  /** Whether a checksum held; checkpoints of version 1 have none. */
  readonly isChecked: boolean;
}

/** Begins a checkpoint: then come the version, SHA-256 of what follows the line in hexadecimal, and that, JSON. @see vt(5), "Checkpoints of tails" */
const MAGIC = 'vtftp-tail';
const VERSION = 2;
const UNCHECKED_VERSION = 1;

/**
 * Reads a checkpoint.
 *
 * @returns undefined where there is none
 * @throws {VtError} EFAILED for one that cannot be read, is damaged, or is of another version
 */
export function readCheckpoint(path: string): Checkpoint | undefined {
  let data: Buffer;
  try {
    data = readStateFile(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw new VtError('EFAILED', `read checkpoint "${path}": ${errorReason(error)}`, { cause: error });
  }
  return decodeCheckpoint(data, path);
}

/** Reads the bytes of a checkpoint. @throws as {@link readCheckpoint} */
export function decodeCheckpoint(data: Buffer, path: string): Checkpoint {
  const end = data.indexOf('\n');
  const [magic, version, sum] = data.toString('latin1', 0, Math.max(0, end)).split(' ');
  if (magic === MAGIC) {
    if (version !== String(VERSION)) throw refusal(path, 'it has another version');
    const body = data.subarray(end + 1);
    if (sum !== sumOf(body)) throw refusal(path, 'it is damaged');
    return { ...(parseJson(body, path) as Omit<Checkpoint, 'isChecked'>), isChecked: true };
  }
  const value = parseJson(data, path);
  if (!isUnchecked(value)) throw refusal(path, 'it has another version');
  return { ...value, round: 0, isChecked: false };
}

function sumOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}

function parseJson(data: Buffer, path: string): unknown {
  try {
    return JSON.parse(data.toString());
  } catch (cause) {
    throw refusal(path, 'it is damaged', cause);
  }
}

function refusal(path: string, found: string, cause?: unknown): VtError {
  return new VtError('EFAILED', `read checkpoint "${path}": ${found}`, { cause, remedy: 'remove it to read the files from their start' });
}

function isUnchecked(value: unknown): value is Omit<Checkpoint, 'isChecked' | 'round'> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'version' in value &&
    value.version === UNCHECKED_VERSION &&
    'tails' in value &&
    Array.isArray(value.tails)
  );
}

/** The bytes of a checkpoint. */
export function encodeCheckpoint(checkpoint: Omit<Checkpoint, 'isChecked'>): Buffer {
  const body = Buffer.from(`${JSON.stringify(checkpoint)}\n`);
  return Buffer.concat([Buffer.from(`${MAGIC} ${VERSION} ${sumOf(body)}\n`), body]);
}

/**
 * Writes a checkpoint: durably, and whole or not at all.
 *
 * @throws {VtError} EFAILED
 */
export function writeCheckpoint(path: string, checkpoint: Omit<Checkpoint, 'isChecked'>): void {
  const temporary = `${path}.new`;
  const folder = dirname(path);
  try {
    makeFolders(folder, 0o700);
    const fd = openSync(temporary, 'w', 0o600);
    try {
      const data = encodeCheckpoint(checkpoint);
      for (let at = 0; at < data.length; ) at += writeSync(fd, data, at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
    syncFolder(folder);
  } catch (cause) {
    throw new VtError('EFAILED', `write checkpoint "${path}": ${errorReason(cause)}`, { cause });
  }
}

/** Removes a checkpoint; none is no error. */
export function removeCheckpoint(path: string): void {
  rmSync(path, { force: true });
}

/** The Dirent of a state. */
export function fileOf({ dirent }: TailState): FileDirent {
  const parsed = parseDirent(dirent);
  if (parsed.kind !== 'file') throw new TypeError(`restore a tail: expected the Dirent of a file, got a ${parsed.kind}`);
  return parsed;
}

/** Bytes as a checkpoint holds them. */
export function base64(octets: Octets): string {
  return octetsToBytes(octets).toString('base64');
}

/** Bytes that a checkpoint holds. */
export function fromBase64(text: string): Octets {
  return octetsFromBytes(Buffer.from(text, 'base64'));
}
