import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsFromBytes, octetsToText } from '../base/octets.ts';
import { readFully } from '../base/system/read-fully.ts';
import { errorCode, errorReason, pathBytes } from '../base/system/system-error.ts';
import { openTrusted } from '../base/system/trusted-open.ts';

/** Bytes of a file of rules, at most. */
const MAX_RULES_SIZE = 1024 * 1024;

/** A FIFO is not waited for. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * Reads a local file of rules that the user names; symlinks on the way there are the user's own.
 *
 * @returns undefined where nothing is there, or what is there is no file
 * @throws {VtError} EFAILED if it cannot be read or exceeds 1 MiB: what it excludes must not be taken in
 */
export function readNamedRules(path: Octets): Octets | undefined {
  return readRules(path, () => openSync(pathBytes(path), FLAGS));
}

/**
 * Reads a local file of rules that was found in a directory, which may be somebody else's: through symlinks of root or this user alone.
 *
 * @returns as {@link readNamedRules}
 * @throws {VtError} as {@link readNamedRules}, and for a symlink of somebody else
 */
export function readFoundRules(path: Octets): Octets | undefined {
  return readRules(path, () => openTrusted(path, FLAGS, 'put a file in its place'));
}

function readRules(path: Octets, open: () => number): Octets | undefined {
  const fail = (what: string, cause?: unknown): VtError => new VtError('EFAILED', `read rules "${octetsToText(path)}": ${what}`, { cause });
  let fd: number | undefined;
  try {
    fd = open();
    const stat = fstatSync(fd);
    if (!stat.isFile()) return undefined;
    const data = Buffer.alloc(Math.min(stat.size, MAX_RULES_SIZE) + 1);
    const size = readFully(fd, data, 0);
    if (size > MAX_RULES_SIZE) throw fail(`larger than ${MAX_RULES_SIZE} bytes`);
    return octetsFromBytes(data.subarray(0, size));
  } catch (error) {
    // A socket cannot be opened.
    if (['ENOTDIR', 'ENOENT', 'ENXIO'].includes(errorCode(error) ?? '')) return undefined;
    if (error instanceof VtError && error.code === 'EFAILED') throw error;
    throw fail(errorReason(error), error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
