import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ParseError, ReadOnlyError, throwIfCancelled, VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { tryLock } from '../base/system/file-lock.ts';
import { isFullError } from '../base/system/full-error.ts';
import { PRIVATE_ACCESS, type StoreAccess } from '../base/system/store-files.ts';
import { syncFolder } from '../base/system/sync-folder.ts';
import { errorCode, errorReason } from '../base/system/system-error.ts';
import type { Dirent } from '../dirent/dirent.ts';
import type { Archive, ArchiveEntry } from './archive.ts';
import type { ArchiveLine } from './archive-line.ts';
import { formatArchiveLine } from './archive-line.ts';
import type { ArchiveNotes } from './archive-notes.ts';
import type { FileLine } from './archive-scan.ts';
import { linesBackward, linesForward } from './archive-scan.ts';
import { countEntries, countEntriesNow, tryArchiveLine } from './count-entries.ts';

export interface ArchiveFileOptions {
  /** Refuse `append`. */
  readonly readOnly?: boolean;
  /** Of an archive in a Store: the modes of what is made there. No symlink is followed then. */
  readonly access?: StoreAccess;
  /** Told of a full disk. @returns whether there is room now */
  readonly onFull?: () => boolean;
}

/** Between two tries for the lock, in milliseconds. */
const LOCK_RETRY_MS = 10;

/**
 * The archive in a `.vt` file. A file that is not there is an empty archive, and is made by the first append.
 * Nothing stays open between calls.
 *
 * @see vt(5), "Archives"
 */
export function openArchiveFile(path: string, options: ArchiveFileOptions = {}): Archive {
  return new ArchiveFile(path, options);
}

/**
 * Lets go of an entry that is not the newest: its line becomes a comment, so nothing else moves and no room is needed. Entries after it
 * are numbered one less from then on.
 *
 * @param number - as {@link ArchiveEntry.number}
 * @throws {VtError} EOPEN where there is no such entry, EFAILED for the newest one
 */
export async function dropArchiveEntry(path: string, number: number, access: StoreAccess, options: OpOptions = {}): Promise<void> {
  await using there = await openIfThere(path, access);
  if (there === undefined) throw new VtError('EOPEN', `drop root ${number}: there is no archive "${path}"`);
  await using file = await openLocked(path, access, options.signal);
  const { size } = await file.stat();
  let count = 0;
  let at: number | undefined;
  for await (const line of linesForward(file, size, options.signal)) {
    const found = readLine(line);
    if (found === undefined || found instanceof VtError) continue;
    if (++count === number) at = line.start;
  }
  if (at === undefined) throw new VtError('EOPEN', `drop root ${number}: archive "${path}" has ${count}`);
  if (number === count) throw new VtError('EFAILED', `drop root ${number}: it is the newest`, { remedy: 'undo first' });
  // What is opened to append to writes nowhere else.
  await using writer = await openPlain(path, constants.O_RDWR, access);
  await writer.write(Buffer.from('#'), 0, 1, at);
  await writer.datasync();
}

class ArchiveFile implements Archive {
  readonly name: string;
  readonly #readOnly: boolean;
  readonly #access: StoreAccess | undefined;
  readonly #onFull: () => boolean;

  constructor(path: string, { readOnly = false, access, onFull = () => false }: ArchiveFileOptions) {
    this.name = path;
    this.#readOnly = readOnly;
    this.#access = access;
    this.#onFull = onFull;
  }

  async last(options: OpOptions & { readonly onDamage?: (reason: string) => void } = {}): Promise<ArchiveEntry | undefined> {
    await using file = await openIfThere(this.name, this.#access);
    return file === undefined ? undefined : await this.#newest(file, options);
  }

  async *entries(
    options: OpOptions & { readonly onDamage?: (line: number, reason: string) => void } = {},
  ): AsyncGenerator<ArchiveEntry, void, undefined> {
    await using file = await openIfThere(this.name, this.#access);
    if (file === undefined) return;
    const { size } = await file.stat();
    let lineNumber = 0;
    let number = 0;
    for await (const line of linesForward(file, size, options.signal)) {
      lineNumber++;
      const found = readLine(line);
      if (found instanceof VtError) options.onDamage?.(lineNumber, found.message);
      else if (found !== undefined) yield { ...found, number: ++number };
    }
  }

  async *newestFirst(
    options: OpOptions & { readonly onDamage?: (line: number, reason: string) => void } = {},
  ): AsyncGenerator<ArchiveEntry, void, undefined> {
    await using file = await openIfThere(this.name, this.#access);
    if (file === undefined) return;
    const { size } = await file.stat();
    let { entries, lines } = await countEntries(file, size, options.signal);
    // What comes after the last LF is a line only if it is not empty.
    for await (const line of linesBackward(file, size, options.signal)) {
      if (line.end === size && line.start === size) continue;
      const found = readLine(line);
      if (found instanceof VtError) options.onDamage?.(lines, found.message);
      else if (found !== undefined) yield { ...found, number: entries-- };
      lines--;
    }
  }

  async append(
    decide: (last: ArchiveEntry | undefined) => Promise<ArchiveLine | undefined>,
    options: OpOptions = {},
  ): Promise<ArchiveEntry | undefined> {
    if (this.#readOnly) throw new ReadOnlyError('append to archive', this.name);
    await using file = await openLocked(this.name, this.#access, options.signal);
    const appended = await decide(await this.#newest(file, options));
    if (appended === undefined) return undefined;
    const { size } = await file.stat();
    const line = `${(await endsLine(file, size)) ? '' : '\n'}${formatArchiveLine(appended)}\n`;
    const append = async (): Promise<void> => await appendWhole(file, Buffer.from(line, 'latin1'), size, this.name);
    try {
      await append();
    } catch (error) {
      if (!isFullError(error) || !this.#onFull()) throw error;
      await append();
    }
    if (size === 0) syncFolder(dirname(this.name));
    return new NumberedEntry(this.name, appended, size + line.length);
  }

  async #newest(
    file: FileHandle,
    options: OpOptions & { readonly onDamage?: (reason: string) => void },
  ): Promise<ArchiveEntry | undefined> {
    const { size } = await file.stat();
    for await (const line of linesBackward(file, size, options.signal)) {
      const found = readLine(line);
      if (found instanceof VtError) options.onDamage?.(found.message);
      else if (found !== undefined) return new NumberedEntry(this.name, found, line.end);
    }
    return undefined;
  }
}

/** What a line says, undefined if nothing, or why it cannot be read. */
function readLine({ start, end, text }: FileLine): ArchiveLine | VtError | undefined {
  if (text === undefined) return new ParseError(`read archive line: ${end - start} octets`, 0);
  return tryArchiveLine(text);
}

/** An entry found from the end of the file: its number is counted when somebody asks for it. */
class NumberedEntry implements ArchiveEntry {
  readonly whenNs: bigint;
  readonly dirent: Dirent;
  readonly notes?: ArchiveNotes;
  readonly #path: string;
  readonly #end: number;
  #number: number | undefined;

  constructor(path: string, line: ArchiveLine, end: number) {
    this.whenNs = line.whenNs;
    this.dirent = line.dirent;
    if (line.notes !== undefined) this.notes = line.notes;
    this.#path = path;
    this.#end = end;
  }

  get number(): number {
    this.#number ??= countEntriesNow(this.#path, this.#end);
    return this.#number;
  }
}

async function openIfThere(path: string, access: StoreAccess | undefined): Promise<FileHandle | undefined> {
  try {
    return await openPlain(path, constants.O_RDONLY, access);
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw openError(path, cause);
  }
}

// Opening a FIFO would wait for its other end.
async function openPlain(path: string, flags: number, access: StoreAccess | undefined): Promise<FileHandle> {
  const file = await open(path, flags | constants.O_NONBLOCK | (access === undefined ? 0 : constants.O_NOFOLLOW));
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new Error('not a file');
}

function openError(path: string, cause: unknown): VtError {
  const reason = errorCode(cause) === 'ELOOP' ? 'it is a symlink; a Store holds plain files only' : errorReason(cause);
  return new VtError('EOPEN', `open archive "${path}": ${reason}`, { cause });
}

/**
 * Opens a file to append to, made where it is not there, and takes its lock, which goes with the descriptor. If
 * another file took its name meanwhile, that one.
 */
async function openLocked(path: string, access: StoreAccess | undefined, signal: AbortSignal | undefined): Promise<FileHandle> {
  for (;;) {
    const file = await openToAppend(path, access);
    try {
      await lock(file, signal);
      const [ours, current] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
      if (current !== undefined && current.ino === ours.ino && current.dev === ours.dev) return file;
    } catch (error) {
      await file.close();
      throw error;
    }
    await file.close();
  }
}

async function openToAppend(path: string, access: StoreAccess | undefined): Promise<FileHandle> {
  try {
    for (;;) {
      try {
        return await openPlain(path, constants.O_RDWR | constants.O_APPEND, access);
      } catch (error) {
        if (errorCode(error) !== 'ENOENT') throw error;
      }
      // In a Store a dangling symlink is none of ours; elsewhere whoever made it means it.
      const mode = (access ?? PRIVATE_ACCESS).fileMode;
      const alone = access === undefined ? 0 : constants.O_EXCL;
      const file = await open(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | alone, mode).catch(unlessThere);
      if (file === undefined) continue;
      await file.chmod(mode).catch(() => undefined); // a filesystem without modes
      return file;
    }
  } catch (cause) {
    throw openError(path, cause);
  }
}

function unlessThere(error: unknown): undefined {
  if (errorCode(error) !== 'EEXIST') throw error;
}

async function lock(file: FileHandle, signal: AbortSignal | undefined): Promise<void> {
  // Where there are no locks at all, O_APPEND and one write a line still keep lines whole.
  while (tryLock(file.fd) === 'taken') {
    throwIfCancelled(signal);
    await delay(LOCK_RETRY_MS);
  }
}

async function endsLine(file: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return true;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] === 0x0a;
}

/** Writes all of `data` at once and makes it durable. What a full disk cut short is taken back. */
async function appendWhole(file: FileHandle, data: Buffer, sizeBefore: number, path: string): Promise<void> {
  try {
    const { bytesWritten } = await file.write(data, 0, data.length);
    if (bytesWritten !== data.length) throw new Error(`${bytesWritten} of ${data.length} octets written`);
    await file.datasync();
  } catch (cause) {
    await file.truncate(sizeBefore).catch(() => undefined);
    throw new VtError('EFAILED', `append to archive "${path}": ${errorReason(cause)}`, { cause });
  }
}
