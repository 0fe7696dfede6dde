import { closeSync, openSync, readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { throwIfCancelled, VtError } from '../base/errors.ts';
import type { ArchiveLine } from './archive-line.ts';
import { parseArchiveLine } from './archive-line.ts';
import { MAX_LINE_SIZE } from './archive-scan.ts';

/** How many lines the file of an archive has, and how many of them are entries. */
export interface ArchiveCount {
  /** Readable entries. */
  readonly entries: number;
  readonly lines: number;
}

/**
 * Matches nearly every line. If it matches and the checksum is right, the line is an entry and need not be parsed: 2,000,000 lines take
 * 2 s instead of 20.
 */
const NOTE = String.raw`[A-Za-z_]\w*:"(?:[ !#-[\]-~]|\\["\\]|\\x[\da-f]{2})*"`;
const ROOT = String.raw`D\{(?:meta:M\{mode:0[0-7]{3}\},)?block:S?B\{hash:H\{(?:sha3-256|sha256|blake3):[\da-f]{64}\}(?:,span:\d{1,15})?\}\}`;
const USUAL_LINE = new RegExp(
  String.raw`^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z \d{1,11}(?:\.\d{9})? ${ROOT}(?: N\{${NOTE}(?:,${NOTE})*\})?) !crc32:([\da-f]{8})$`,
);

/** Bytes read at once. */
const CHUNK_SIZE = 1024 * 1024;

/** Counts lines and entries in a text that arrives in pieces. */
class LineCounter {
  entries = 0;
  lines = 0;
  #rest = '';

  take(chunk: Buffer): void {
    const lines = (this.#rest + chunk.toString('latin1')).split('\n');
    this.#rest = lines.pop() ?? '';
    // A longer line is damage. It must not fill the memory.
    if (this.#rest.length > MAX_LINE_SIZE) this.#rest = ' '.repeat(8);
    this.lines += lines.length;
    for (const line of lines) if (isEntry(line)) this.entries++;
  }

  end(): ArchiveCount {
    if (this.#rest !== '') this.take(Buffer.from('\n'));
    return { entries: this.entries, lines: this.lines };
  }
}

/** Counts lines and entries in the first `end` bytes of a file. `end` must be the end of a line. */
export async function countEntries(file: FileHandle, end: number, signal?: AbortSignal): Promise<ArchiveCount> {
  const counter = new LineCounter();
  const buffer = Buffer.allocUnsafe(CHUNK_SIZE);
  for (let position = 0; position < end; ) {
    throwIfCancelled(signal);
    const { bytesRead } = await file.read(buffer, 0, Math.min(CHUNK_SIZE, end - position), position);
    if (bytesRead === 0) break;
    position += bytesRead;
    counter.take(buffer.subarray(0, bytesRead));
  }
  return counter.end();
}

/** As {@link countEntries}, synchronously, and returns only the number of entries. */
export function countEntriesNow(path: string, end: number): number {
  const counter = new LineCounter();
  const fd = openSync(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_SIZE);
    for (let position = 0; position < end; ) {
      const size = readSync(fd, buffer, 0, Math.min(CHUNK_SIZE, end - position), position);
      if (size === 0) break;
      position += size;
      counter.take(buffer.subarray(0, size));
    }
    return counter.end().entries;
  } finally {
    closeSync(fd);
  }
}

function isEntry(text: string): boolean {
  const [, checked, check] = USUAL_LINE.exec(text) ?? [];
  if (checked !== undefined && check !== undefined && crc32(checked) === Number.parseInt(check, 16)) return true;
  const found = tryArchiveLine(text);
  return found !== undefined && !(found instanceof VtError);
}

/** Parses a line: its contents, undefined for an empty line or a comment, or the error. */
export function tryArchiveLine(text: string): ArchiveLine | VtError | undefined {
  try {
    return parseArchiveLine(text);
  } catch (error) {
    if (error instanceof VtError) return error;
    throw error;
  }
}
