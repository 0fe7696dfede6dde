import { writeSync } from 'node:fs';
import { errorReason } from '../base/system/system-error.ts';
import type { ItemFailure } from './export-batch.ts';

/** Writes all of `data` at an offset. */
export function writeAll(fd: number, data: Uint8Array, position: number): void {
  for (let done = 0; done < data.length; ) done += writeSync(fd, data, done, data.length - done, position + done);
}

/** What a writer reported, as an error with the code of its system call. */
export function itemError({ message, code }: ItemFailure): Error {
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

/** What went wrong, without the name that a system call was given: that may be a temporary one. */
export function messageOf(error: unknown): string {
  return errorReason(error);
}
