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

/** How far one followed path has been read and stored. */
export interface TailState {
  /** Offset in the content before which the edges are final; see {@link StablePoint}. */
  readonly stable: number;
  readonly isDeaf: boolean;
  readonly parsing?: ParsingPoint | undefined;
  /** Read positions in the file at the path and in its predecessors, oldest first. */
  readonly files: readonly FileMark[];
  /** Files that were at the path before and are read to their end. Under another name they are not read again. */
  readonly done: readonly FileMark[];
  /** The content so far and its metadata, as the text of a Dirent; its Blocks are durable. */
  readonly dirent: string;
}

/** What a checkpoint keeps of one followed path. */
export interface TailMark extends TailState {
  /** The local path, bytes in Base64. */
  readonly path: string;
  /** The path in the tree, also in Base64. */
  readonly name: string;
  /** Its state in the previous root if that differs; null if that root lacks it. */
  readonly recorded?: TailState | null | undefined;
}

/**
 * The checkpoint of one `follow` or `watch` command. It is written before the root with this state is recorded, so a kill loses nothing
 * that was read. The tree shows whether that root was recorded; so does {@link FollowerStatus} until then.
 */
export interface Checkpoint {
  /** The number of the round, counted over all processes that continued it. */
  readonly round: number;
  /** `follow` or `watch`; undefined in checkpoints of early versions. */
  readonly command?: string | undefined;
  readonly store: string;
  readonly archive: string;
  /** Local paths and patterns as the user typed them, for display. */
  readonly what: string;
  readonly target: string;
  readonly pid: number;
  /** When it was written: ISO 8601. */
  readonly when: string;
  /** The last root that was recorded, as text. */
  readonly root?: string | undefined;
  /** Recent rate in bytes per second. */
  readonly rate: number;
  /** Files that are followed or watched; undefined in checkpoints of early versions. */
  readonly files?: number | undefined;
  readonly tails: readonly TailMark[];
  /** Whether a checksum was verified; checkpoints of version 1 have none. */
  readonly isChecked: boolean;
}

/**
 * The first word of a checkpoint. The first line continues with the version and the SHA-256, in hexadecimal, of the JSON text after that
 * line.
 *
 * @see vt(5), "Checkpoints of tails"
 */
const MAGIC = 'vtftp-tail';
const VERSION = 2;
const UNCHECKED_VERSION = 1;

/**
 * Reads a checkpoint.
 *
 * @returns undefined if there is no file
 * @throws {VtError} EFAILED if it cannot be read, is damaged, or has another version
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

/**
 * Decodes the bytes of a checkpoint.
 *
 * @param path - for messages
 * @throws as {@link readCheckpoint}
 */
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

/** Encodes a checkpoint. */
export function encodeCheckpoint(checkpoint: Omit<Checkpoint, 'isChecked'>): Buffer {
  const body = Buffer.from(`${JSON.stringify(checkpoint)}\n`);
  return Buffer.concat([Buffer.from(`${MAGIC} ${VERSION} ${sumOf(body)}\n`), body]);
}

/** Writes a checkpoint durably and atomically. @throws {VtError} EFAILED */
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

/** Removes a checkpoint if it exists. */
export function removeCheckpoint(path: string): void {
  rmSync(path, { force: true });
}

/** The Dirent of a state. @throws {TypeError} if it is not of a file */
export function fileOf({ dirent }: TailState): FileDirent {
  const parsed = parseDirent(dirent);
  if (parsed.kind !== 'file') throw new TypeError(`restore a tail: expected the Dirent of a file, got a ${parsed.kind}`);
  return parsed;
}

/** Encodes bytes for a checkpoint. */
export function base64(octets: Octets): string {
  return octetsToBytes(octets).toString('base64');
}

/** Decodes bytes of a checkpoint. */
export function fromBase64(text: string): Octets {
  return octetsFromBytes(Buffer.from(text, 'base64'));
}
