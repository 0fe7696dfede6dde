import type { FileHandle } from 'node:fs/promises';
import { throwIfCancelled } from '../base/errors.ts';

/** A line of a file: its byte offsets, without the LF, and its text with one char a byte. */
export interface FileLine {
  readonly start: number;
  readonly end: number;
  /** Undefined for a line longer than {@link MAX_LINE_SIZE}. */
  readonly text: string | undefined;
}

/** The longest line that is kept, in bytes. A longer one is damage, or the file is no archive. */
export const MAX_LINE_SIZE = 16 * 1024 * 1024;

/** Bytes read at once. */
const CHUNK_SIZE = 64 * 1024;

const LF = 0x0a;

/**
 * Reads the lines of a file, first to last.
 *
 * @param end - bytes to read; bytes appended meanwhile are not read
 */
export async function* linesForward(file: FileHandle, end: number, signal?: AbortSignal): AsyncGenerator<FileLine, void, undefined> {
  const parts = new LineParts();
  let start = 0;
  for (let position = 0; position < end; ) {
    throwIfCancelled(signal);
    const chunk = await readAt(file, position, Math.min(CHUNK_SIZE, end - position));
    if (chunk.length === 0) break;
    let from = 0;
    for (let lf = chunk.indexOf(LF); lf >= 0; lf = chunk.indexOf(LF, from)) {
      parts.append(chunk.subarray(from, lf));
      yield parts.take(start);
      from = lf + 1;
      start = position + from;
    }
    parts.append(chunk.subarray(from));
    position += chunk.length;
  }
  if (parts.size > 0) yield parts.take(start);
}

/** Reads the lines of a file, last to first. Only as much is read as the caller takes. */
export async function* linesBackward(file: FileHandle, end: number, signal?: AbortSignal): AsyncGenerator<FileLine, void, undefined> {
  // The end of the current line, from chunks already read.
  const parts = new LineParts();
  let position = end;
  while (position > 0) {
    throwIfCancelled(signal);
    const chunkStart = Math.max(0, position - CHUNK_SIZE);
    const chunk = await readAt(file, chunkStart, position - chunkStart);
    let to = chunk.length;
    for (let lf = lastLf(chunk, to); lf >= 0; lf = lastLf(chunk, to)) {
      parts.prepend(chunk.subarray(lf + 1, to));
      yield parts.take(chunkStart + lf + 1);
      to = lf;
    }
    parts.prepend(chunk.subarray(0, to));
    position = chunkStart;
  }
  if (parts.size > 0) yield parts.take(0);
}

/** Collects the pieces of a line. Of a line that is too long it keeps only the size. */
class LineParts {
  #parts: Buffer[] = [];
  size = 0;

  append(part: Buffer): void {
    this.size += part.length;
    if (this.size > MAX_LINE_SIZE) this.#parts = [];
    else this.#parts.push(part);
  }

  prepend(part: Buffer): void {
    this.size += part.length;
    if (this.size > MAX_LINE_SIZE) this.#parts = [];
    else this.#parts.unshift(part);
  }

  take(start: number): FileLine {
    const text = this.size > MAX_LINE_SIZE ? undefined : Buffer.concat(this.#parts).toString('latin1');
    const end = start + this.size;
    this.#parts = [];
    this.size = 0;
    return { start, end, text };
  }
}

function lastLf(chunk: Buffer, before: number): number {
  return before === 0 ? -1 : chunk.lastIndexOf(LF, before - 1);
}

async function readAt(file: FileHandle, position: number, size: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await file.read(buffer, length, size - length, position + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}
