import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ReadOnlyError, VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { isFullError } from '../base/system/full-error.ts';
import type { StoreAccess } from '../base/system/store-files.ts';
import { syncFolder } from '../base/system/sync-folder.ts';
import { errorReason } from '../base/system/system-error.ts';
import type { Dirent } from '../dirent/dirent.ts';
import type { AllEntriesOptions, Archive, ArchiveEntry, ArchiveLines } from './archive.ts';
import type { ArchiveLine } from './archive-line.ts';
import { formatArchiveLine, parseForgottenLine } from './archive-line.ts';
import { archiveLines } from './archive-lines.ts';
import type { ArchiveNotes } from './archive-notes.ts';
import { openIfThere, openLocked, readLine } from './archive-open.ts';
import { linesBackward, linesForward } from './archive-scan.ts';
import { countEntries, countEntriesNow } from './count-entries.ts';
import { fileStamp } from './file-stamp.ts';
import { watchFile } from './watch-file.ts';

export interface ArchiveFileOptions {
  /** Refuse `append`. */
  readonly readOnly?: boolean;
  /** Only for an archive in a Store: the modes of files made there. Symlinks are then refused. */
  readonly access?: StoreAccess;
  /** Called if the disk is full. @returns whether it freed space: the append is then tried once more */
  readonly onFull?: () => boolean;
}

/**
 * The archive in a `.vt` file. A missing file is an empty archive; the first append makes it.
 * The file is not kept open between calls.
 *
 * @see vt(5), "Archives"
 */
export function openArchiveFile(path: string, options: ArchiveFileOptions = {}): Archive {
  return new ArchiveFile(path, options);
}

class ArchiveFile implements Archive {
  readonly name: string;
  readonly lines: ArchiveLines;
  readonly #readOnly: boolean;
  readonly #access: StoreAccess | undefined;
  readonly #onFull: () => boolean;

  constructor(path: string, { readOnly = false, access, onFull = () => false }: ArchiveFileOptions) {
    this.name = path;
    this.lines = archiveLines(path, { readOnly, access });
    this.#readOnly = readOnly;
    this.#access = access;
    this.#onFull = onFull;
  }

  async last(options: OpOptions & { readonly onDamage?: (reason: string) => void } = {}): Promise<ArchiveEntry | undefined> {
    await using file = await openIfThere(this.name, this.#access);
    return file === undefined ? undefined : await this.#newest(file, options);
  }

  stamp(): string | undefined {
    return fileStamp(this.name);
  }

  async *entries(options: AllEntriesOptions = {}): AsyncGenerator<ArchiveEntry, void, undefined> {
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
      else if (options.withForgotten === true && line.text !== undefined) {
        const forgotten = parseForgottenLine(line.text);
        if (forgotten !== undefined) yield { ...forgotten, number, isForgotten: true };
      }
    }
  }

  async *newestFirst(
    options: OpOptions & { readonly onDamage?: (line: number, reason: string) => void } = {},
  ): AsyncGenerator<ArchiveEntry, void, undefined> {
    await using file = await openIfThere(this.name, this.#access);
    if (file === undefined) return;
    const { size } = await file.stat();
    let { entries, lines } = await countEntries(file, size, options.signal);
    // The text after the last LF counts as a line only if it is not empty.
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

  watch(onChange: () => void): () => void {
    return watchFile(this.name, onChange);
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

/** An entry found from the end of the file. Its number is counted when it is first read. */
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

async function endsLine(file: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return true;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] === 0x0a;
}

/** Writes all of `data` in one call and makes it durable. If that fails, the file is cut back to `sizeBefore`. */
async function appendWhole(file: FileHandle, data: Buffer, sizeBefore: number, path: string): Promise<void> {
  try {
    const { bytesWritten } = await file.write(data, 0, data.length);
    if (bytesWritten !== data.length) throw new Error(`${bytesWritten} of ${data.length} bytes written`);
    await file.datasync();
  } catch (cause) {
    await file.truncate(sizeBefore).catch(() => undefined);
    throw new VtError('EFAILED', `append to archive "${path}": ${errorReason(cause)}`, { cause });
  }
}
