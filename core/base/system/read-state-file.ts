import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { VtError } from '../errors.ts';

/**
 * Reads a file of vtftp's own state, such as bookmarks. Anything but a regular file is refused: a FIFO or a device could block the reader.
 *
 * @throws {VtError} EOPEN if it is not a regular file; else the system's error
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
