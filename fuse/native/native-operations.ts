import type { Octets } from '../../core/base/octets.ts';
import { octetsFromText, octetsToText, octetsToTextStrict } from '../../core/base/octets.ts';
import type { FaultyRequest } from '../driver.ts';
import type { AttributeChange, Caller, Filesystem } from '../filesystem.ts';
import { errnoOf, FilesystemError } from '../filesystem-error.ts';
import { instantOfMilliseconds, nativeStat, nativeStatfs } from './native-stat.ts';
import type { Answer, NativeOperations } from './native-types.ts';
import { ERRNO, PathWalker } from './path-walker.ts';

/** Value with which chown(2) leaves the owner or the group unchanged: (uid_t)-1. */
const NOBODY_NEW = 0xffffffff;

/** A filesystem as the library calls it. */
export interface NativeFace {
  readonly operations: NativeOperations;
  /** Files that are open. */
  readonly openFiles: ReadonlyMap<number, { readonly ino: number; readonly handle: number }>;
}

/**
 * Answers the library's calls, which name files by their paths, from a filesystem of nodes. Nothing is ever thrown: an exception would end
 * the process.
 *
 * @param onFault - called with the reason why a client gets EIO
 */
export function nativeOperations(
  filesystem: Filesystem,
  caller: Caller,
  onFault: (error: unknown, request: FaultyRequest) => void,
): NativeFace {
  const walker = new PathWalker(filesystem, caller);
  const openFiles = new Map<number, { readonly ino: number; readonly handle: number }>();
  const openFile = (fd: number): { readonly ino: number; readonly handle: number } => {
    const file = openFiles.get(fd);
    if (file === undefined) throw new FilesystemError('EBADF');
    return file;
  };
  const keep = (ino: number, handle: number): number => {
    openFiles.set(handle, { ino, handle });
    return handle;
  };
  /** Answers with the result of the work; a count takes the place of the status. */
  const answering = async <T>(answer: Answer<T>, request: FaultyRequest, work: () => Promise<T> | T): Promise<void> => {
    let result: T;
    try {
      result = await work();
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === ERRNO.EIO) onFault(error, request);
      answer(-errno);
      return;
    }
    answer(0, result);
  };
  const counting = async (answer: Answer, request: FaultyRequest, work: () => Promise<number> | number): Promise<void> =>
    await answering<number>((status, count = 0) => answer(status < 0 ? status : count), request, work);
  const done = async (answer: Answer, request: FaultyRequest, work: () => unknown): Promise<void> =>
    await answering<undefined>(answer, request, async () => void (await work()));
  const change = async (path: string, what: AttributeChange): Promise<unknown> =>
    await walker.at(path, (ino) => filesystem.setattr(ino, what, caller));

  const operations: NativeOperations = {
    statfs: (path, answer) =>
      void answering(answer, { operation: 'statfs', subject: path }, () =>
        walker.at(path, async (ino) => nativeStatfs(await filesystem.statfs(ino))),
      ),
    getattr: (path, answer) =>
      void answering(answer, { operation: 'getattr', subject: path }, () =>
        walker.at(path, async (ino) => nativeStat(await filesystem.getattr(ino, undefined))),
      ),
    readdir: (path, answer) =>
      void answering(answer, { operation: 'readdir', subject: path }, () => walker.at(path, (ino) => namesIn(filesystem, ino, caller))),
    readlink: (path, answer) =>
      void answering(answer, { operation: 'readlink', subject: path }, () =>
        walker.at(path, async (ino) => textOf(await filesystem.readlink(ino), 'EILSEQ')),
      ),
    truncate: (path, size, answer) => void done(answer, { operation: 'truncate', subject: path }, () => change(path, { size })),
    ftruncate: (path, fd, size, answer) =>
      void done(answer, { operation: 'ftruncate', subject: path }, async () => {
        const { ino, handle } = openFile(fd);
        await filesystem.setattr(ino, { size, handle }, caller);
      }),
    utimens: (path, atime, mtime, answer) =>
      void done(answer, { operation: 'utimens', subject: path }, () =>
        change(path, { atime: instantOfMilliseconds(atime), mtime: instantOfMilliseconds(mtime) }),
      ),
    chown: (path, uid, gid, answer) =>
      void done(answer, { operation: 'chown', subject: path }, () =>
        change(path, { ...(uid === NOBODY_NEW ? {} : { uid }), ...(gid === NOBODY_NEW ? {} : { gid }) }),
      ),
    chmod: (path, mode, answer) => void done(answer, { operation: 'chmod', subject: path }, () => change(path, { mode: mode & 0o7777 })),
    mknod: (path, mode, device, answer) =>
      void done(answer, { operation: 'mknod', subject: path }, () =>
        walker.in(path, async (dir, name) => made(await filesystem.mknod(dir, name, mode, 0, device, caller))),
      ),
    mkdir: (path, mode, answer) =>
      void done(answer, { operation: 'mkdir', subject: path }, () =>
        walker.in(path, async (dir, name) => made(await filesystem.mkdir(dir, name, mode, 0, caller))),
      ),
    symlink: (target, path, answer) =>
      void done(answer, { operation: 'symlink', subject: path }, () =>
        walker.in(path, async (dir, name) => made(await filesystem.symlink(dir, name, wholeText(target), caller))),
      ),
    link: (path, newPath, answer) =>
      void done(answer, { operation: 'link', subject: path }, () =>
        walker.at(path, (ino) => walker.in(newPath, async (dir, name) => made(await filesystem.link(ino, dir, name, caller)))),
      ),
    rename: (path, newPath, answer) =>
      void done(answer, { operation: 'rename', subject: path }, () =>
        walker.in(path, (dir, name) => walker.in(newPath, (newDir, newName) => filesystem.rename(dir, name, newDir, newName, 0, caller))),
      ),
    unlink: (path, answer) =>
      void done(answer, { operation: 'unlink', subject: path }, () => walker.in(path, (dir, name) => filesystem.unlink(dir, name, caller))),
    rmdir: (path, answer) =>
      void done(answer, { operation: 'rmdir', subject: path }, () => walker.in(path, (dir, name) => filesystem.rmdir(dir, name, caller))),
    open: (path, flags, answer) =>
      void answering(answer, { operation: 'open', subject: path }, async () => {
        const { ino } = await walker.find(path);
        try {
          return keep(ino, (await filesystem.open(ino, flags, false, caller)).handle);
        } catch (error) {
          walker.letGo(ino);
          throw error;
        }
      }),
    create: (path, mode, answer) =>
      void answering(answer, { operation: 'create', subject: path }, () =>
        walker.in(path, async (dir, name) => {
          const { handle, attributes } = await filesystem.create(dir, name, mode, 0, 0, caller);
          return keep(attributes.ino, handle);
        }),
      ),
    read: (path, fd, buffer, length, offset, answer) =>
      void counting(answer, { operation: 'read', subject: path }, async () => {
        const { ino, handle } = openFile(fd);
        let at = 0;
        for (const piece of await filesystem.read(ino, handle, offset, length, caller)) {
          buffer.set(piece, at);
          at += piece.length;
        }
        return at;
      }),
    write: (path, fd, buffer, length, offset, answer) =>
      void counting(answer, { operation: 'write', subject: path }, () => {
        const { ino, handle } = openFile(fd);
        return filesystem.write(
          ino,
          handle,
          offset,
          buffer.subarray(0, length),
          { cached: false, killSuidGid: false, append: false },
          caller,
        );
      }),
    release: (path, fd, answer) =>
      void done(answer, { operation: 'release', subject: path }, async () => {
        const { ino, handle } = openFile(fd);
        openFiles.delete(fd);
        await filesystem.release(ino, handle);
        walker.letGo(ino);
      }),
    fsync: (path, dataOnly, fd, answer) =>
      void done(answer, { operation: 'fsync', subject: path }, async () => {
        const { ino, handle } = openFile(fd);
        await filesystem.fsync(ino, handle, dataOnly);
      }),
    fsyncdir: (path, _dataOnly, _fd, answer) =>
      void done(answer, { operation: 'fsyncdir', subject: path }, () => walker.at(path, (ino) => filesystem.fsyncdir(ino, 0))),
    setxattr: (path, name, value, _position, flags, answer) =>
      void done(answer, { operation: 'setxattr', subject: path }, () =>
        walker.at(path, (ino) => filesystem.setxattr(ino, octetsFromText(name), Uint8Array.from(value), flags, caller)),
      ),
    getxattr: (path, name, _position, answer) =>
      void answering(answer, { operation: 'getxattr', subject: path }, () =>
        walker.at(path, async (ino) => {
          const value = await filesystem.getxattr(ino, octetsFromText(name), caller);
          if (value === undefined) throw new FilesystemError('ENODATA');
          return Buffer.from(value);
        }),
      ),
    listxattr: (path, answer) =>
      void answering(answer, { operation: 'listxattr', subject: path }, () =>
        walker.at(path, async (ino) => (await filesystem.listxattr(ino, caller)).flatMap((name) => octetsToTextStrict(name) ?? [])),
      ),
    removexattr: (path, name, answer) =>
      void done(answer, { operation: 'removexattr', subject: path }, () =>
        walker.at(path, (ino) => filesystem.removexattr(ino, octetsFromText(name), caller)),
      ),
  };
  /** Releases a created node at once: later calls look it up by its path. */
  const made = ({ ino }: { readonly ino: number }): void => walker.letGo(ino);
  return { operations, openFiles };
}

/** The names of a Dir that are valid UTF-8. */
async function namesIn(filesystem: Filesystem, ino: number, caller: Caller): Promise<string[]> {
  const { handle } = await filesystem.opendir(ino, caller);
  const names: string[] = [];
  try {
    await filesystem.readdir(
      ino,
      handle,
      0,
      false,
      ({ name }) => {
        const text = octetsToTextStrict(name);
        if (text !== undefined) names.push(text);
        return true;
      },
      caller,
    );
  } finally {
    await filesystem.releasedir(ino, handle);
  }
  return names;
}

function textOf(octets: Octets, otherwise: 'EILSEQ'): string {
  const text = octetsToTextStrict(octets);
  if (text === undefined) throw new FilesystemError(otherwise);
  return text;
}

/** The octets of a text. @throws FilesystemError EILSEQ for a text that lost octets in decoding */
function wholeText(text: string): Octets {
  const octets = octetsFromText(text);
  if (text.includes('\ufffd') || octetsToText(octets) !== text) throw new FilesystemError('EILSEQ');
  return octets;
}
