import { chmodSync, closeSync, constants, fchmodSync, fdatasyncSync, fstatSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { VtError } from '../errors.ts';
import { makeFolders } from './make-folders.ts';
import { errorCode } from './system-error.ts';

// How the files of a Store are opened and made. Whoever can write into the folder of a Store must not be able to lead a
// session elsewhere: no symlink is followed, and nothing but a plain file is opened. What is made has the mode that the
// Store's `shared` asks for, whatever the umask.

/** Who besides its owner may use a Store: nobody, its group, or its group and for reading everybody. */
export type Shared = 'no' | 'group' | 'all';

/** Every value of `shared`. */
export const SHARED_VALUES: readonly Shared[] = ['no', 'group', 'all'];

/** The default. */
export const DEFAULT_SHARED: Shared = 'no';

/** The modes of what is made in a Store. */
export interface StoreAccess {
  readonly fileMode: number;
  readonly folderMode: number;
}

// What is made in a folder with the set-group-id bit belongs to the folder's group.
const ACCESS: Readonly<Record<Shared, StoreAccess>> = {
  no: { fileMode: 0o600, folderMode: 0o700 },
  group: { fileMode: 0o660, folderMode: 0o2770 },
  all: { fileMode: 0o664, folderMode: 0o2775 },
};

/** The modes for a value of `shared`. */
export function accessFor(shared: Shared | undefined): StoreAccess {
  return ACCESS[shared ?? DEFAULT_SHARED];
}

/** For what belongs to no Store that others share: caches, spools, checkpoints. */
export const PRIVATE_ACCESS: StoreAccess = ACCESS.no;

const FLAGS: Readonly<Record<'read' | 'append' | 'update', number>> = {
  read: constants.O_RDONLY,
  append: constants.O_WRONLY | constants.O_APPEND,
  update: constants.O_RDWR,
};

// Opening a FIFO would wait for its other end. Windows has neither.
/** Bytes written at a time. */
const WRITE_SIZE = 1024 * 1024;

const SAFE_FLAGS = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Opens a file of a Store.
 *
 * @throws {VtError} EOPEN for a symlink, or what is no plain file; else the system's error
 */
export function openStoreFile(path: string, purpose: 'read' | 'append' | 'update'): number {
  return requirePlain(openRaw(path, FLAGS[purpose]), path);
}

/** Opens a file of a Store to append to, or to lock; it is made where it is not there. @throws as {@link openStoreFile} */
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

/** Makes a file of a Store, to append to. @throws the system's error, EEXIST where there is one of that name */
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
    // FreeBSD says EMLINK of a symlink; a socket, or a FIFO that nobody reads, cannot be opened at all.
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
 * Puts a new file in the place of another of a Store: whole or not at all. What is there is replaced, not written to, also where it is a symlink.
 * The new name is durable only once the folder is synced.
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

/** Makes a folder of a Store, and those above it. An existing one is unchanged. */
export function makeStoreFolder(path: string, access: StoreAccess): void {
  if (!makeFolders(path, access.folderMode)) return;
  try {
    chmodSync(path, access.folderMode);
  } catch {
    // A filesystem without modes.
  }
}
