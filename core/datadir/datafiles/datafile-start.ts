import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { VtError } from '../../base/errors.ts';
import { errorReason } from '../../base/system/system-error.ts';
import type { HashName } from '../../block/hash.ts';
import { DEFAULT_HASH_NAME } from '../../block/hash.ts';
import type { DatafileHeader } from '../../store/records/datafile.ts';
import { DATAFILE_HEADER_SIZE, DATAFILE_MAGIC, decodeDatafileHeader } from '../../store/records/datafile.ts';

/** What the Python vt uses by default. */
const PYTHON_DEFAULT_HASH: HashName = 'blake3';

/** What the start of a data file says of it. */
export interface DatafileStart {
  /** It is ours, not the Python vt's. */
  readonly isOurs: boolean;
  readonly hashName: HashName;
  /** Undefined in a file of the Python vt, which has none, and where it is damaged. */
  readonly header: DatafileHeader | undefined;
  /** The header is damaged: what looks like a record counts only if its hash holds. */
  readonly distrust: boolean;
}

/**
 * Opens a data file to read it.
 *
 * @param name - of the Store, for errors
 * @throws {VtError} EOPEN where it cannot be opened, or is no file
 */
export function openDatafile(path: string, name: string): number {
  try {
    // A FIFO is no file, and is not waited at.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if (fstatSync(fd).isFile()) return fd;
    closeSync(fd);
  } catch (error) {
    throw new VtError('EOPEN', `open Store "${name}": ${errorReason(error)}`, {
      cause: error,
      remedy: 'name a readable .vtd file',
    });
  }
  throw new VtError('EOPEN', `open Store "${name}": it is not a file`, {
    remedy: 'name a .vtd file, or the folder of a datadir without file:',
  });
}

/**
 * Reads the start of a data file, ours or the Python vt's.
 *
 * @param asked - the hash function that was asked for; a file of ours must have it
 * @throws {VtError} EOPEN for a later version of the format, or another hash function
 */
export function readDatafileStart(fd: number, name: string, asked: HashName | undefined): DatafileStart {
  const head = Buffer.alloc(DATAFILE_HEADER_SIZE);
  const data = head.subarray(0, readSync(fd, head, 0, head.length, 0));
  const isOurs = data.subarray(0, DATAFILE_MAGIC.length).equals(DATAFILE_MAGIC);
  if (!isOurs) return { isOurs, hashName: asked ?? PYTHON_DEFAULT_HASH, header: undefined, distrust: false };
  const start = decodeDatafileHeader(data);
  switch (start.kind) {
    case 'newer':
      throw new VtError('EOPEN', `open Store "${name}": version ${start.version} of data files is newer than this program`, {
        remedy: 'use a later vtftp',
      });
    case 'header': {
      const { header } = start;
      if (asked !== undefined && asked !== header.hashName) {
        throw new VtError('EOPEN', `open Store "${name}": its hash function is ${header.hashName}`, { remedy: `leave out hash=${asked}` });
      }
      return { isOurs, hashName: header.hashName, header, distrust: false };
    }
    default:
      return { isOurs, hashName: asked ?? DEFAULT_HASH_NAME, header: undefined, distrust: true };
  }
}
