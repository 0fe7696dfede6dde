import { closeSync, fstatSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from '../../base/crc32.ts';
import { VtError } from '../../base/errors.ts';
import { openStoreFile, replaceStoreFile, type StoreAccess } from '../../base/system/store-files.ts';
import { errorCode } from '../../base/system/system-error.ts';
import { HASH_NAMES, type HashName, hashByName } from '../../block/hash.ts';
import { PAGE_SIZE } from './index-pages.ts';
import type { RecordShape } from './index-records.ts';
import type { RunInfo } from './index-run.ts';
import type { FileMarks } from './index-types.ts';

// The head of an index: which runs count, and what is kept in one place. A new head replaces the old one under its name,
// so that a reader has all of one state or all of another. @see docs/design/index.md

/** The head's file within the index. */
export const HEAD_FILE = 'head';
/** Layout of the index; one of another version is made again. */
const INDEX_VERSION = 2;
const MAGIC = 'vtftp-index';

/** Bytes of a location, and of where a value of the cache is: see `index-values.ts`. */
const LOCATION_SIZE = 19;
const VALUE_PLACE_SIZE = 14;
/** Bytes of a key of the cache: a digest of what it was put under. */
export const CACHE_KEY_SIZE = 16;

/** The shape of the records that say where Blocks are. */
export function blockShape(hashName: HashName): RecordShape {
  return { keySize: hashByName(hashName).digestSize, valueSize: LOCATION_SIZE };
}

/** The shape of the records of the cache. */
export const CACHE_SHAPE: RecordShape = { keySize: CACHE_KEY_SIZE, valueSize: VALUE_PLACE_SIZE };

/** The runs of one kind of records. */
export interface RunList {
  /** Oldest first. */
  readonly files: readonly RunInfo[];
  /** The newest records, few of them, which are in the head. */
  readonly recent: { readonly info: RunInfo; readonly octets: Buffer } | undefined;
}

/** What an index's head says. */
export interface IndexHead {
  /** Another one each time that the index is made again. */
  readonly id: string;
  readonly storeId: string;
  readonly hashName: HashName;
  /** Goes up with each change of where Blocks are. */
  readonly changes: number;
  readonly settings: Readonly<Record<string, string>>;
  /** By name: the number that means the file in locations, and how far the index knows it. */
  readonly files: ReadonlyMap<string, FileMarks & { readonly number: number }>;
  readonly blocks: RunList;
  readonly cache: RunList;
}

/** A head as it was read, and which file it was. */
export interface ReadHead {
  readonly head: IndexHead;
  /** Kept open, so that no other file gets its number. */
  readonly fd: number;
  readonly stamp: HeadStamp;
}

/** By which a head's file is known again. */
export interface HeadStamp {
  readonly dev: number;
  readonly ino: number;
  readonly mtimeMs: number;
}

interface HeadText {
  readonly id: string;
  readonly store: string;
  readonly hash: string;
  readonly changes: number;
  readonly settings: Readonly<Record<string, string>>;
  readonly files: readonly (readonly [name: string, number: number, indexedTo: number, seenSize: number])[];
  readonly blocks: ListText;
  readonly cache: ListText;
}

interface ListText {
  readonly files: readonly RunInfo[];
  readonly recent?: RunInfo;
}

/** Encodes a head: a line with its CRC-32, a line of JSON, and the pages of the newest records. */
export function encodeHead(head: IndexHead): Buffer {
  const text: HeadText = {
    id: head.id,
    store: head.storeId,
    hash: head.hashName,
    changes: head.changes,
    settings: head.settings,
    files: [...head.files].map(([name, { number, indexedTo, seenSize }]) => [name, number, indexedTo, seenSize]),
    blocks: listText(head.blocks),
    cache: listText(head.cache),
  };
  const json = Buffer.from(`${JSON.stringify(text)}\n`);
  const body = Buffer.concat([json, head.blocks.recent?.octets ?? Buffer.alloc(0), head.cache.recent?.octets ?? Buffer.alloc(0)]);
  const check = crc32(body).toString(16).padStart(8, '0');
  return Buffer.concat([Buffer.from(`${MAGIC} ${INDEX_VERSION} ${check} ${json.length}\n`), body]);
}

function listText({ files, recent }: RunList): ListText {
  return { files, ...(recent === undefined ? {} : { recent: recent.info }) };
}

/** Decodes a head. @returns it, or why it cannot be used */
export function decodeHead(octets: Buffer): IndexHead | string {
  const lineEnd = octets.indexOf(0x0a);
  const [, version, check, length] =
    /^vtftp-index (\d+) ([0-9a-f]{8}) (\d+)$/.exec(octets.toString('latin1', 0, Math.max(0, lineEnd))) ?? [];
  if (version === undefined || check === undefined) return 'it is damaged';
  const body = octets.subarray(lineEnd + 1);
  if (crc32(body).toString(16).padStart(8, '0') !== check) return 'it is damaged';
  if (Number(version) !== INDEX_VERSION) return `it has version ${version}`;
  // The CRC is of the body alone: a flipped bit in the length shows here.
  if (body.indexOf(0x0a) + 1 !== Number(length)) return 'it is damaged';
  const text = parsedJson(body.toString('utf8', 0, Number(length)));
  if (!isHeadText(text)) return 'it is damaged';
  const hashName = HASH_NAMES.find((name) => name === text.hash);
  if (hashName === undefined) return `it is of the hash function "${text.hash}"`;
  const blocksAt = Number(length);
  const cacheAt = blocksAt + sizeOf(text.blocks.recent);
  if (cacheAt + sizeOf(text.cache.recent) !== body.length) return 'it is damaged';
  return {
    id: text.id,
    storeId: text.store,
    hashName,
    changes: text.changes,
    settings: text.settings,
    files: new Map(text.files.map(([name, number, indexedTo, seenSize]) => [name, { number, indexedTo, seenSize }])),
    blocks: readList(text.blocks, body, blocksAt),
    cache: readList(text.cache, body, cacheAt),
  };
}

/** Undefined if it is not JSON: a forged file can have a valid CRC. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// The CRC says that it is as it was written, not by whom: no name in it may lead out of the Store.
function isHeadText(text: unknown): text is HeadText {
  if (!isRecord(text)) return false;
  const { id, store, hash, changes, settings, files, blocks, cache } = text;
  return (
    [id, store, hash].every((value) => typeof value === 'string') &&
    isCount(changes) &&
    isRecord(settings) &&
    Object.values(settings).every((value) => typeof value === 'string') &&
    Array.isArray(files) &&
    files.every(isFileText) &&
    isListText(blocks) &&
    isListText(cache)
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isFileText(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  const [name, ...numbers]: unknown[] = value;
  return typeof name === 'string' && !name.includes('/') && numbers.length === 3 && numbers.every(isCount);
}

function isListText(value: unknown): value is ListText {
  if (!isRecord(value)) return false;
  const { files, recent } = value;
  const isRun = (info: unknown): boolean =>
    isRecord(info) && typeof info['name'] === 'string' && [info['pages'], info['count'], info['valuesSize']].every(isCount);
  return Array.isArray(files) && files.every((info) => isRun(info) && isRunName(info.name)) && (recent === undefined || isRun(recent));
}

/** Whether a file's name is that of a run. */
export function isRunName(name: unknown): boolean {
  return typeof name === 'string' && /^[0-9a-f-]{36}\.run$/.test(name);
}

function sizeOf(info: RunInfo | undefined): number {
  return info === undefined ? 0 : info.pages * PAGE_SIZE + info.valuesSize;
}

function readList({ files, recent }: ListText, body: Buffer, at: number): RunList {
  return { files, recent: recent === undefined ? undefined : { info: recent, octets: body.subarray(at, at + sizeOf(recent)) } };
}

/**
 * Reads the head of an index.
 *
 * @returns it; a reason where it cannot be used; undefined where there is none
 * @throws the system's error
 */
export function readHead(folder: string): ReadHead | string | undefined {
  let fd: number;
  try {
    fd = openStoreFile(join(folder, HEAD_FILE), 'read');
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    if (error instanceof VtError) return 'its head is not a file'; // a symlink, say: a new head replaces it
    throw error;
  }
  try {
    const { dev, ino, mtimeMs } = fstatSync(fd);
    const head = decodeHead(readFileSync(fd));
    if (typeof head !== 'string') return { head, fd, stamp: { dev, ino, mtimeMs } };
    closeSync(fd);
    return head;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Whether the head of an index is still the file that it was; true also where there is none any more. */
export function isSameHead(folder: string, { dev, ino, mtimeMs }: HeadStamp): boolean {
  const found = lstatSync(join(folder, HEAD_FILE), { throwIfNoEntry: false });
  return found === undefined || (found.ino === ino && found.dev === dev && found.mtimeMs === mtimeMs);
}

/**
 * Puts a new head in the place of the old one. Only while holding the index's lock. Until the folder is synced a loss of power may bring back
 * the head before: its runs have to be there.
 */
export function writeHead(folder: string, head: IndexHead, access: StoreAccess): void {
  replaceStoreFile(join(folder, HEAD_FILE), encodeHead(head), access);
}
