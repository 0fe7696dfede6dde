import { writeSync } from 'node:fs';
import { errorReason } from '../base/system/system-error.ts';
import type { ItemFailure } from './export-batch.ts';

/** Writes all of `data` at an offset. @throws the system's error */
export function writeAll(fd: number, data: Uint8Array, position: number): void {
  for (let done = 0; done < data.length; ) done += writeSync(fd, data, done, data.length - done, position + done);
}

/** Converts a writer's failure to an error with the code of its system call. */
export function itemError({ message, code }: ItemFailure): Error {
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

/** The reason of an error, without the path of its system call, which may be a temporary name. */
export function messageOf(error: unknown): string {
  return errorReason(error);
}
