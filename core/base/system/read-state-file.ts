import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { VtError } from '../errors.ts';

/**
 * Reads a file in which vtftp keeps something of its own, such as bookmarks. A FIFO or a device in its place would block the reader.
 *
 * @throws {VtError} EOPEN for what is no regular file; else what open(2) gives
 */
export function readStateFile(path: string): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = fstatSync(fd);
    const fault = found.isDirectory() ? 'is a directory' : found.isFile() ? undefined : 'is not a regular file';
    if (fault !== undefined) throw new VtError('EOPEN', `read "${path}": it ${fault}`, { remedy: 'remove it' });
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}
