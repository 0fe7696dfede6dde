import { randomUUID } from 'node:crypto';
import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { crc32 } from '../base/crc32.ts';
import { checkPages, type IndexRoots } from './index-pages.ts';

// LMDB trusts its file: a flipped bit or a missing end can end the process by a signal. So a file is looked at before
// LMDB is let near it. When its last user closes it, its CRC is noted beside it, and a user who is about to write takes
// the note away; each user has a file in `users/` that tells of it. Without a note, as after a kill, and with nobody at
// work, every page is checked: some 0.2 s for 64 MiB.

/**
 * Of a larger index file only the first pages are summed, so that opening takes no longer the larger it is: 64 MiB take
 * 20 ms, and are the index of 5 GB at 8 KiB a Block. What then is damaged behind them costs one session at most: as that
 * leaves its file in `users/`, the next one checks every page.
 */
const MAX_SUMMED_SIZE = 64 * 1024 * 1024;
/** Octets of a large file that are summed: they hold where its trees begin. */
const HEAD_SIZE = 64 * 1024;
/** After this many users died without closing the index it is made anew: it may be what they died of. */
const MAX_DEAD_USERS = 5;
/** Pages that may be missing from the end: LMDB does not write those that it took and gave back in one transaction. */
const SLACK_PAGES = 16;
const MAX_SLACK = 65_536;
const META_MAGIC = 0xbeefc0de;
/** Octets of a page's header, and offsets within the meta that follows. @see lmdb's mdb.c, MDB_page_header and MDB_meta */
const PAGE_HEADER_SIZE = 24;
const META_SIZE = 160;
const META_VERSION_AT = 4;
const META_PAGE_SIZE_AT = 24;
const META_TREES_AT = 24;
const META_LAST_PAGE_AT = 120;
const META_TXN_AT = 128;

const DATA_FILE = 'data.mdb';
const CHECK_FILE = 'check';
const USERS_FOLDER = 'users';

/** What can be told of an index file before it is used. */
export type IndexCondition = { readonly kind: 'whole' | 'unknown' } | { readonly kind: 'damaged'; readonly reason: string };

/**
 * Looks whether an LMDB index can be opened without harm.
 *
 * @param folder - holds `data.mdb`
 * @returns `whole` where every octet is as its last user left it, `unknown` where that cannot be told, or what is wrong
 */
export function checkIndex(folder: string): IndexCondition {
  const fd = openSync(join(folder, DATA_FILE), 'r');
  try {
    const size = fstatSync(fd).size;
    const users = readUsers(folder);
    if (users.filter((user) => !user.alive).length >= MAX_DEAD_USERS)
      return { kind: 'damaged', reason: 'several programs died while they used it' };
    const metas = readMetas(fd, size);
    if (typeof metas === 'string') return { kind: 'damaged', reason: metas };
    if (users.some(({ alive }) => alive)) return { kind: 'unknown' };
    const noted = readNote(folder);
    const isLarge = size > MAX_SUMMED_SIZE;
    if (noted !== undefined && noted !== sumFile(fd, size)) return { kind: 'damaged', reason: 'it is damaged' };
    if (noted !== undefined && !isLarge) return { kind: 'whole' };
    if (noted !== undefined && users.length === 0) return { kind: 'unknown' };
    const broken = checkAllPages(fd, size, metas);
    return broken === undefined ? { kind: 'unknown' } : { kind: 'damaged', reason: broken };
  } finally {
    closeSync(fd);
  }
}

function checkAllPages(fd: number, size: number, metas: Metas): string | undefined {
  // After a loss of power LMDB may go back to the state before the last.
  const bootedMs = Date.now() - uptime() * 1000;
  const states = fstatSync(fd).mtimeMs < bootedMs ? [metas.newest, metas.other] : [metas.newest];
  for (const state of states) {
    const broken = checkPages(fd, size, state);
    if (broken !== undefined) return `it is damaged: ${broken}`;
  }
  return undefined;
}

interface Metas {
  readonly newest: Meta;
  readonly other: Meta;
}

function readMetas(fd: number, size: number): Metas | string {
  const head = readAt(fd, 0, PAGE_HEADER_SIZE + META_SIZE);
  const first = decodeMeta(head, size);
  // Where the first meta is damaged the page size can still be told from the second.
  const pageSize = first?.pageSize ?? 4096;
  const second = decodeMeta(readAt(fd, pageSize, PAGE_HEADER_SIZE + META_SIZE), size);
  const newest = first === undefined || (second !== undefined && second.txn > first.txn) ? second : first;
  // Of another version LMDB's binding opens nothing, and ends by a signal instead of an error.
  if (first === undefined || second === undefined || newest === undefined || first.version !== second.version) return 'it is damaged';
  if ((newest.lastPage + 1 - SLACK_PAGES) * newest.pageSize > size) return 'it is cut short';
  return { newest, other: newest === first ? second : first };
}

interface Meta extends IndexRoots {
  readonly txn: number;
  /** Of the file's format. */
  readonly version: number;
}

function decodeMeta(page: Buffer, size: number): Meta | undefined {
  if (page.length < PAGE_HEADER_SIZE + META_SIZE || page.readUInt32LE(PAGE_HEADER_SIZE) !== META_MAGIC) return undefined;
  const pageSize = page.readUInt32LE(PAGE_HEADER_SIZE + META_PAGE_SIZE_AT);
  if (pageSize < 512 || pageSize > 65536 || (pageSize & (pageSize - 1)) !== 0 || size % pageSize !== 0) return undefined;
  const lastPage = Number(page.readBigUInt64LE(PAGE_HEADER_SIZE + META_LAST_PAGE_AT));
  const txn = Number(page.readBigUInt64LE(PAGE_HEADER_SIZE + META_TXN_AT));
  // No file of ours has as many pages; a list of them would fill the memory.
  if (lastPage > size / pageSize + MAX_SLACK) return undefined;
  const trees = Buffer.from(page.subarray(PAGE_HEADER_SIZE + META_TREES_AT, PAGE_HEADER_SIZE + META_LAST_PAGE_AT));
  return { pageSize, lastPage, trees, txn, version: page.readUInt32LE(PAGE_HEADER_SIZE + META_VERSION_AT) };
}

interface User {
  readonly name: string;
  readonly alive: boolean;
}

function readUsers(folder: string): User[] {
  let names: string[];
  try {
    names = readdirSync(join(folder, USERS_FOLDER));
  } catch {
    return [];
  }
  return names.map((name) => ({ name, alive: isAlive(Number(name.split('-', 1)[0])) }));
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Tells others that the index is in use. Its name begins with the process's number. */
export class IndexUser {
  readonly #folder: string;
  readonly #name = `${process.pid}-${randomUUID()}`;
  #noteIsVoid = false;
  #isListed = false;

  constructor(folder: string) {
    this.#folder = folder;
    try {
      mkdirSync(join(folder, USERS_FOLDER), { recursive: true });
      writeFileSync(join(folder, USERS_FOLDER, this.#name), '');
      this.#isListed = true;
    } catch {
      // On a full disk the index can be read all the same; others just do not see that it is in use.
    }
  }

  /** To be called before anything is written to the index. */
  beforeWrite(): void {
    if (this.#noteIsVoid) return;
    this.#noteIsVoid = true;
    rmSync(join(this.#folder, CHECK_FILE), { force: true });
  }

  /** To be called once LMDB has closed the index. The last user notes its CRC. */
  close(): void {
    const others = readUsers(this.#folder).filter((user) => user.name !== this.#name);
    if (others.every((user) => !user.alive)) {
      for (const { name } of others) rmSync(join(this.#folder, USERS_FOLDER, name), { force: true });
      if (this.#isListed && (this.#noteIsVoid || readNote(this.#folder) === undefined)) writeNote(this.#folder);
    }
    rmSync(join(this.#folder, USERS_FOLDER, this.#name), { force: true });
  }
}

function readNote(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, CHECK_FILE), 'latin1');
  } catch {
    return undefined;
  }
}

function writeNote(folder: string): void {
  const path = join(folder, DATA_FILE);
  const seen = statSync(path, { throwIfNoEntry: false });
  if (seen === undefined) return;
  const fd = openSync(path, 'r');
  try {
    writeFileSync(join(folder, CHECK_FILE), sumFile(fd, seen.size));
  } catch {
    // No space: without a note the index is taken on trust.
    rmSync(join(folder, CHECK_FILE), { force: true });
  } finally {
    closeSync(fd);
  }
}

/** The note of a file: its size, and the CRC of all of it, or of its first pages where it is large. */
function sumFile(fd: number, size: number): string {
  const summed = size > MAX_SUMMED_SIZE ? HEAD_SIZE : size;
  const buffer = Buffer.allocUnsafeSlow(Math.min(1024 * 1024, Math.max(summed, 1)));
  let crc = 0;
  for (let at = 0; at < summed; ) {
    const count = readSync(fd, buffer, 0, Math.min(buffer.length, summed - at), at);
    if (count === 0) break;
    crc = crc32(buffer.subarray(0, count), crc);
    at += count;
  }
  return `${size} ${crc.toString(16).padStart(8, '0')}\n`;
}

function readAt(fd: number, offset: number, size: number): Buffer {
  const out = Buffer.alloc(size);
  return out.subarray(0, readSync(fd, out, 0, size, offset));
}
