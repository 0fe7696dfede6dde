import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { errorCode } from '../base/system/system-error.ts';

/**
 * A text that is another when something was appended to a file, or another file has its name; undefined where that is not known.
 * The file is opened for it: only then does a filesystem of another machine ask there how the file is.
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
