import type { FileHandle } from 'node:fs/promises';
import { throwIfCancelled } from '../base/errors.ts';

/** A line of a file: where it starts, and its octets without the LF. */
export interface FileLine {
  readonly start: number;
  readonly text: string;
  /** False for the last, if it does not end in LF. */
  readonly ended: boolean;
}

/** Octets read at once. */
const CHUNK_SIZE = 64 * 1024;

const LF = 0x0a;

/**
 * The lines of a file, first to last.
 *
 * @param end - octets to read; what is appended meanwhile is not seen
 */
export async function* linesForward(file: FileHandle, end: number, signal?: AbortSignal): AsyncGenerator<FileLine, void, undefined> {
  let parts: Buffer[] = [];
  let start = 0;
  for (let position = 0; position < end; ) {
    throwIfCancelled(signal);
    const chunk = await readAt(file, position, Math.min(CHUNK_SIZE, end - position));
    if (chunk.length === 0) break;
    let from = 0;
    for (let lf = chunk.indexOf(LF); lf >= 0; lf = chunk.indexOf(LF, from)) {
      parts.push(chunk.subarray(from, lf));
      yield { start, text: Buffer.concat(parts).toString('latin1'), ended: true };
      parts = [];
      from = lf + 1;
      start = position + from;
    }
    if (from < chunk.length) parts.push(chunk.subarray(from));
    position += chunk.length;
  }
  if (parts.length > 0) yield { start, text: Buffer.concat(parts).toString('latin1'), ended: false };
}

/** The lines of a file, last to first, reading no more than is asked for. */
export async function* linesBackward(file: FileHandle, end: number, signal?: AbortSignal): AsyncGenerator<FileLine, void, undefined> {
  // The octets between the chunk at hand and the end of the line, in order.
  let parts: Buffer[] = [];
  let ended = false;
  let position = end;
  while (position > 0) {
    throwIfCancelled(signal);
    const chunkStart = Math.max(0, position - CHUNK_SIZE);
    const chunk = await readAt(file, chunkStart, position - chunkStart);
    let to = chunk.length;
    for (let lf = lastLf(chunk, to); lf >= 0; lf = lastLf(chunk, to)) {
      const start = chunkStart + lf + 1;
      parts.unshift(chunk.subarray(lf + 1, to));
      if (start < end) yield { start, text: Buffer.concat(parts).toString('latin1'), ended };
      parts = [];
      ended = true;
      to = lf;
    }
    if (to > 0) parts.unshift(chunk.subarray(0, to));
    position = chunkStart;
  }
  if (end > 0) yield { start: 0, text: Buffer.concat(parts).toString('latin1'), ended };
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
