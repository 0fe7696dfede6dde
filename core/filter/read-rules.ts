import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsFromBytes, octetsToText } from '../base/octets.ts';
import { readFully } from '../base/system/read-fully.ts';
import { errorCode, errorReason, pathBytes } from '../base/system/system-error.ts';
import { openTrusted } from '../base/system/trusted-open.ts';

/** Maximum bytes of a rules file. */
const MAX_RULES_SIZE = 1024 * 1024;

/** O_NONBLOCK keeps the open of a FIFO from blocking. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * Reads a local rules file that the user named. Symlinks are followed.
 *
 * @returns undefined if it does not exist or is not a regular file
 * @throws {VtError} EFAILED if it cannot be read or exceeds 1 MiB. Without its rules, excluded files would be included
 */
export function readNamedRules(path: Octets): Octets | undefined {
  return readRules(path, () => openSync(pathBytes(path), FLAGS));
}

/**
 * Reads a local rules file that was found in a directory, perhaps of another user. Only symlinks of root or this user are followed.
 *
 * @returns as {@link readNamedRules}
 * @throws {VtError} as {@link readNamedRules}, and for a symlink of another user
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
    // ENXIO is a socket.
    if (['ENOTDIR', 'ENOENT', 'ENXIO'].includes(errorCode(error) ?? '')) return undefined;
    if (error instanceof VtError && error.code === 'EFAILED') throw error;
    throw fail(errorReason(error), error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
