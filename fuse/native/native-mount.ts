import { VtError } from '../../core/base/errors.ts';
import { octetsFromText } from '../../core/base/octets.ts';
import { errorReason } from '../../core/base/system/system-error.ts';
import type { Mount, MountOptions } from '../driver.ts';
import type { Caller, Filesystem } from '../filesystem.ts';
import { isMounted } from '../mount-table.ts';
import { NO_NOTICES } from '../notices.ts';
import { takeAway } from '../take-away.ts';
import { nativeOperations } from './native-operations.ts';
import type { NativeOptions, Signal } from './native-types.ts';
import { ERRNO } from './path-walker.ts';

/** Milliseconds between two checks whether the mount still exists: the library does not report its end. */
const LOOK_MS = 100;

/**
 * Mounts a filesystem through libfuse 2, by the package `fuse-native`. It cannot keep times finer than a millisecond,
 * before 1970, or of one kind alone, nor names that are no UTF-8. It does not know who makes a file, which then belongs to
 * the mounting user. Holes, fallocate, O_TMPFILE and renames with flags do not work. Its kernel cannot be notified of
 * changes, and therefore caches nothing.
 *
 * @throws {VtError} EOPEN if the package or the library is missing
 */
export async function mountNative(filesystem: Filesystem, options: MountOptions): Promise<Mount> {
  const { mountPoint, onFault } = options;
  const { default: Library } = await import('fuse-native').catch((error: unknown) => {
    throw new VtError('EOPEN', `mount "${mountPoint}": the driver fuse-native cannot be loaded: ${errorReason(error)}`, {
      cause: error,
      remedy: 'install the package fuse-native, and libfuse 2 (Debian: libfuse2) or macFUSE',
    });
  });
  const caller: Caller = {
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    pid: 0,
    signal: new AbortController().signal,
  };
  const { operations, openFiles } = nativeOperations(filesystem, caller, onFault);

  const how: NativeOptions = {
    fsname: optionsText(options),
    subtype: 'vtftp',
    allowOther: options.allowOther,
    defaultPermissions: true,
    timeout: false,
  };

  /** Limits answers to the size of the caller's buffer, which the library itself does not check. */
  class CheckedFuse extends Library {
    constructor() {
      super(mountPoint, operations, how);
    }

    protected override _op_getxattr(signal: Signal, path: string, name: string, buffer: Buffer, position: number): void {
      operations.getxattr(path, name, position, (status, value) => signal(filled(buffer, status, value), buffer.buffer));
    }

    protected override _op_listxattr(signal: Signal, path: string, buffer: Buffer): void {
      operations.listxattr(path, (status, names) => {
        const list = names === undefined ? undefined : Buffer.from(names.map((name) => `${name}\0`).join(''));
        signal(filled(buffer, status, list), buffer.buffer);
      });
    }
  }

  const fuse = new CheckedFuse();
  await new Promise<void>((resolve, reject) => {
    fuse.mount((error) => {
      if (error === null || error === undefined) resolve();
      else reject(new VtError('EOPEN', `mount "${mountPoint}": ${error.message}`, { cause: error }));
    });
  });
  // The unmount is already complete when the library calls this.
  Library.unmount = (_, done) => done(null);
  const ended = new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      if (isMounted(octetsFromText(mountPoint)) || openFiles.size > 0) return;
      clearInterval(timer);
      fuse.unmount(() => resolve());
    }, LOOK_MS);
  });
  return {
    mountPoint,
    ended,
    notices: NO_NOTICES,
    async unmount({ lazy = false } = {}) {
      await takeAway(mountPoint, lazy);
      await ended;
    },
  };
}

/** Copies a value into the caller's buffer. @returns octets copied, or a negative errno */
function filled(room: Buffer, status: number, value: Uint8Array | undefined): number {
  if (value === undefined) return status;
  if (room.length === 0) return value.length;
  if (value.length > room.length) return -ERRNO.ERANGE;
  room.set(value);
  return value.length;
}

/** The source, followed by options of libfuse that the package does not offer. */
function optionsText({ source, readOnly, volumeName }: MountOptions): string {
  const isMac = process.platform === 'darwin';
  const words = [
    ...(readOnly ? ['ro'] : []),
    'use_ino',
    'attr_timeout=0',
    'entry_timeout=0',
    ...(isMac ? [] : ['big_writes']),
    ...(isMac && volumeName !== undefined ? [`volname=${escaped(volumeName)}`] : []),
  ];
  return [escaped(source), ...words].join(',');
}

function escaped(text: string): string {
  return text.replace(/[\\,]/g, '\\$&');
}
