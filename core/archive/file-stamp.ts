import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { errorCode } from '../base/system/system-error.ts';

/**
 * A text that changes when a file grows or is replaced: '' if there is no file, undefined if it cannot be opened.
 * The file is opened, because a network filesystem asks the server for current attributes only then.
 */
export function fileStamp(path: string): string | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { dev, ino, size, mtimeMs } = fstatSync(fd);
      return `${dev} ${ino} ${size} ${mtimeMs}`;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? '' : undefined;
  }
}
