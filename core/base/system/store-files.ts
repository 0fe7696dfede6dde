import { chmodSync, closeSync, constants, fchmodSync, fdatasyncSync, fstatSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { VtError } from '../errors.ts';
import { makeFolders } from './make-folders.ts';
import { errorCode } from './system-error.ts';

// Opens and makes the files of a Store. Users who can write into its folder must not be able to redirect a session, so no symlink is
// followed, and only regular files are opened. New files have the mode that the Store's `shared` setting requires, regardless of the umask.

/** Who besides its owner may use a Store: nobody, its group, or its group and (for reading) everybody. */
export type Shared = 'no' | 'group' | 'all';

/** Every value of `shared`. */
export const SHARED_VALUES: readonly Shared[] = ['no', 'group', 'all'];

/** The default of `shared`. */
export const DEFAULT_SHARED: Shared = 'no';

/** The modes of new files and folders in a Store. */
export interface StoreAccess {
  readonly fileMode: number;
  readonly folderMode: number;
}

// New entries of a folder with the set-group-id bit get the folder's group.
const ACCESS: Readonly<Record<Shared, StoreAccess>> = {
  no: { fileMode: 0o600, folderMode: 0o700 },
  group: { fileMode: 0o660, folderMode: 0o2770 },
  all: { fileMode: 0o664, folderMode: 0o2775 },
};

/** The modes for a value of `shared`. */
export function accessFor(shared: Shared | undefined): StoreAccess {
  return ACCESS[shared ?? DEFAULT_SHARED];
}

/** The modes of files that are never shared: caches, spools, checkpoints. */
export const PRIVATE_ACCESS: StoreAccess = ACCESS.no;

const FLAGS: Readonly<Record<'read' | 'append' | 'update', number>> = {
  read: constants.O_RDONLY,
  append: constants.O_WRONLY | constants.O_APPEND,
  update: constants.O_RDWR,
};

/** Bytes written at a time. */
const WRITE_SIZE = 1024 * 1024;

// O_NONBLOCK: opening a FIFO would wait for its other end. Windows has neither flag.
const SAFE_FLAGS = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Opens a file of a Store.
 *
 * @throws {VtError} EOPEN if it is a symlink or not a regular file; else the system's error
 */
export function openStoreFile(path: string, purpose: 'read' | 'append' | 'update'): number {
  return requirePlain(openRaw(path, FLAGS[purpose]), path);
}

/** Opens a file of a Store for appending or locking, and makes it if it does not exist. @throws as {@link openStoreFile} */
export function openOrCreateStoreFile(path: string, access: StoreAccess): number {
  for (;;) {
    try {
      return openStoreFile(path, 'append');
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
    }
    try {
      return createStoreFile(path, access);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error; // made by another process meanwhile
    }
  }
}

/** Makes a file of a Store, and opens it for appending. @throws the system's error; EEXIST if there is an entry of that name */
export function createStoreFile(path: string, access: StoreAccess): number {
  const fd = openRaw(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL, access.fileMode);
  try {
    fchmodSync(fd, access.fileMode);
  } catch {
    // A filesystem without modes.
  }
  return fd;
}

function openRaw(path: string, flags: number, mode?: number): number {
  try {
    return openSync(path, flags | SAFE_FLAGS, mode);
  } catch (error) {
    const code = errorCode(error);
    // FreeBSD reports EMLINK for a symlink. ENXIO is a socket, or a FIFO that nobody reads.
    if (code === 'ELOOP' || code === 'EMLINK') throw notPlain(path, 'it is a symlink', error);
    if (code === 'ENXIO' || code === 'EISDIR') throw notPlain(path, 'it is not a file', error);
    throw error;
  }
}

function requirePlain(fd: number, path: string): number {
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw notPlain(path, 'it is not a file', undefined);
}

function notPlain(path: string, fact: string, cause: unknown): VtError {
  return new VtError('EOPEN', `open "${path}": ${fact}; a Store has only regular files`, {
    cause,
    remedy: 'remove it, or restore the file',
  });
}

/**
 * Replaces a file of a Store atomically by a new one. If the path is a symlink, the link is replaced, not its target. The new name is
 * durable only once the folder is synced.
 */
export function replaceStoreFile(
  path: string,
  content: Uint8Array | readonly Uint8Array[],
  access: StoreAccess,
  temporary: string = `${path}.${process.pid}`,
): void {
  rmSync(temporary, { force: true }); // left by a process that was killed
  const fd = createStoreFile(temporary, access);
  try {
    for (const part of content instanceof Uint8Array ? [content] : content)
      for (let at = 0; at < part.length; ) at += writeSync(fd, part, at, Math.min(WRITE_SIZE, part.length - at));
    fdatasyncSync(fd);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Makes a folder of a Store and its missing parents. An existing folder is unchanged. */
export function makeStoreFolder(path: string, access: StoreAccess): void {
  if (!makeFolders(path, access.folderMode)) return;
  try {
    chmodSync(path, access.folderMode);
  } catch {
    // A filesystem without modes.
  }
}
