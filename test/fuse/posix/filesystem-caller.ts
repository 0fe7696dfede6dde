import { constants } from 'node:fs';
import type { Octets } from '../../../core/base/octets.ts';
import type { Caller as Asker, Attributes, Filesystem, Instant } from '../../../fuse/filesystem.ts';
import { ROOT_INO } from '../../../fuse/filesystem.ts';
import { errnoOf } from '../../../fuse/filesystem-error.ts';
import { ERRNO_NAMES } from './errno-names.ts';
import type { Caller, CallName, DirEntry, Moment, Stat, SystemCalls, TimeWord } from './system-calls.ts';
import { CallError } from './system-calls.ts';

const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
const S_IFLNK = 0o120000;
const S_IFSOCK = 0o140000;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const MAX_LINKS = 40;
/** Octets of a `linux_dirent64` before its name. */
const DIRENT_SIZE = 19;

/** Where a path leads: the Dirs on the way, the last name, and what it names. */
interface Place {
  readonly dirs: readonly number[];
  readonly name: Octets;
  readonly node: Attributes | undefined;
}

interface OpenFile {
  readonly ino: number;
  readonly handle: number;
  readonly isDir: boolean;
  position: number;
}

/** System calls of one who is root, on a filesystem without a kernel between: what a kernel does with paths and descriptors is here. */
export class FilesystemCaller implements Caller {
  readonly hasKernel = false;
  readonly #fs: Filesystem;
  readonly #asker: Asker = { uid: 0, gid: 0, pid: 0, signal: new AbortController().signal };
  readonly #lookups = new Map<number, number>();
  readonly #open = new Map<number, OpenFile>();
  #cwd: readonly number[] = [ROOT_INO];
  #umask = 0o022;
  #lastFd = 0;

  constructor(filesystem: Filesystem) {
    this.#fs = filesystem;
  }

  async call<K extends CallName>(name: K, ...args: Parameters<SystemCalls[K]>): Promise<ReturnType<SystemCalls[K]>> {
    try {
      return (await (this.#calls[name] as (...args: unknown[]) => unknown)(...args)) as ReturnType<SystemCalls[K]>;
    } catch (error) {
      if (error instanceof CallError) throw error;
      const errno = errnoOf(error);
      if (errno === 5) throw error;
      throw new CallError(name, ERRNO_NAMES.get(errno) ?? `errno ${errno}`);
    }
  }

  /** Closes what is open and forgets every node, as a kernel does at the end. */
  async leave(): Promise<void> {
    for (const fd of [...this.#open.keys()]) await this.#close(fd);
    for (const [ino, lookups] of this.#lookups) this.#fs.forget(ino, lookups);
    this.#lookups.clear();
    this.#cwd = [ROOT_INO];
  }

  readonly #calls: { readonly [K in CallName]: (...args: Parameters<SystemCalls[K]>) => unknown } = {
    enter: async (name) => {
      this.#cwd = [ROOT_INO];
      await this.#calls.mkdir(name, 0o755);
      await this.#calls.chdir(name);
    },
    chdir: async (path) => {
      const { dirs, node } = await this.#found(path, true);
      if (!isDir(node)) throw new CallError('chdir', 'ENOTDIR');
      this.#cwd = [...dirs, node.ino];
    },
    become: () => undefined,
    umask: (mask) => {
      const before = this.#umask;
      this.#umask = mask;
      return before;
    },
    open: (path, flags, mode = 0) => this.#openPath(path, flags, mode),
    close: (fd) => this.#close(fd),
    pread: async (fd, length, offset) => {
      const { ino, handle } = this.#file(fd);
      return Buffer.concat(await this.#fs.read(ino, handle, offset, length, this.#asker)).toString('latin1');
    },
    pwrite: (fd, data, offset) => {
      const { ino, handle } = this.#file(fd);
      return this.#fs.write(
        ino,
        handle,
        offset,
        Buffer.from(data, 'latin1'),
        { cached: false, killSuidGid: false, append: false },
        this.#asker,
      );
    },
    write: async (fd, data) => {
      const file = this.#file(fd);
      const written = await this.#calls.pwrite(fd, data, file.position);
      file.position += data.length;
      return written;
    },
    lseek: (fd, offset, whence) => {
      const file = this.#file(fd);
      if (whence === SEEK_DATA || whence === SEEK_HOLE)
        return this.#fs.seek(file.ino, file.handle, offset, whence === SEEK_DATA ? 'data' : 'hole');
      file.position = offset;
      return offset;
    },
    truncate: async (path, length) => {
      const { node } = await this.#found(path, true);
      await this.#fs.setattr(node.ino, { size: length }, this.#asker);
    },
    ftruncate: async (fd, length) => {
      const { ino, handle } = this.#file(fd);
      await this.#fs.setattr(ino, { size: length, handle }, this.#asker);
    },
    fsync: (fd) => this.#fs.fsync(this.#file(fd).ino, this.#file(fd).handle, false),
    fallocate: (fd, mode, offset, length) =>
      this.#fs.fallocate(this.#file(fd).ino, this.#file(fd).handle, mode, offset, length, this.#asker),
    copyFileRange: (fromFd, fromOffset, toFd, toOffset, length) => {
      const [from, to] = [this.#file(fromFd), this.#file(toFd)];
      return this.#fs.copyRange(
        { ino: from.ino, handle: from.handle, offset: fromOffset, length },
        { ino: to.ino, handle: to.handle, offset: toOffset },
        this.#asker,
      );
    },
    mkdir: async (path, mode) => {
      const { dirs, name, node } = await this.#walk(path, false);
      if (node !== undefined) throw new CallError('mkdir', 'EEXIST');
      this.#given(await this.#fs.mkdir(top(dirs), name, mode, this.#umask, this.#asker));
    },
    rmdir: async (path) => {
      const { dirs, name } = await this.#walk(path, false);
      if (name === '..') throw new CallError('rmdir', 'ENOTEMPTY');
      await this.#fs.rmdir(top(dirs), name, this.#asker);
    },
    unlink: async (path) => {
      const { dirs, name } = await this.#walk(path, false);
      await this.#fs.unlink(top(dirs), name, this.#asker);
    },
    rename: (from, to) => this.#calls.rename2(from, to, 0),
    rename2: async (from, to, flags) => {
      const source = await this.#walk(from, false);
      const target = await this.#walk(to, false);
      if ([source.name, target.name].some((name) => name === '.' || name === '..')) throw new CallError('rename', 'EBUSY');
      await this.#fs.rename(top(source.dirs), source.name, top(target.dirs), target.name, flags, this.#asker);
    },
    link: async (from, to) => {
      const source = await this.#found(from, false);
      const { dirs, name, node } = await this.#walk(to, false);
      if (node !== undefined) throw new CallError('link', 'EEXIST');
      this.#given(await this.#fs.link(source.node.ino, top(dirs), name, this.#asker));
    },
    symlink: async (target, path) => {
      const { dirs, name, node } = await this.#walk(path, false);
      if (node !== undefined) throw new CallError('symlink', 'EEXIST');
      this.#given(await this.#fs.symlink(top(dirs), name, target as Octets, this.#asker));
    },
    readlink: async (path) => await this.#fs.readlink((await this.#found(path, false)).node.ino),
    mknod: async (path, mode, major = 0, minor = 0) => {
      const { dirs, name, node } = await this.#walk(path, false);
      if (node !== undefined) throw new CallError('mknod', 'EEXIST');
      const rdev = ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
      this.#given(await this.#fs.mknod(top(dirs), name, mode, this.#umask, rdev, this.#asker));
    },
    bind: (path) => this.#calls.mknod(path, S_IFSOCK | 0o777),
    chmod: async (path, mode) => void (await this.#fs.setattr((await this.#found(path, true)).node.ino, { mode }, this.#asker)),
    fchmod: async (fd, mode) => void (await this.#fs.setattr(this.#file(fd).ino, { mode }, this.#asker)),
    chown: async (path, uid, gid) => void (await this.#fs.setattr((await this.#found(path, true)).node.ino, owner(uid, gid), this.#asker)),
    lchown: async (path, uid, gid) =>
      void (await this.#fs.setattr((await this.#found(path, false)).node.ino, owner(uid, gid), this.#asker)),
    fchown: async (fd, uid, gid) => void (await this.#fs.setattr(this.#file(fd).ino, owner(uid, gid), this.#asker)),
    utimens: async (path, atime, mtime, follow) => {
      const { node } = await this.#found(path, follow);
      if (atime === 'omit' && mtime === 'omit') return;
      const change = { ...(atime === 'omit' ? {} : { atime: instant(atime) }), ...(mtime === 'omit' ? {} : { mtime: instant(mtime) }) };
      await this.#fs.setattr(node.ino, change, this.#asker);
    },
    stat: async (path) => stat(await this.#fs.getattr((await this.#found(path, true)).node.ino, undefined)),
    lstat: async (path) => stat(await this.#fs.getattr((await this.#found(path, false)).node.ino, undefined)),
    fstat: async (fd) => stat(await this.#fs.getattr(this.#file(fd).ino, this.#file(fd).handle)),
    access: async (path) => void (await this.#found(path, true)),
    getdents: async (fd, room) => {
      const file = this.#file(fd);
      const entries: DirEntry[] = [];
      let left = room;
      await this.#fs.readdir(
        file.ino,
        file.handle,
        file.position,
        true,
        ({ name, ino, next, attributes }) => {
          const size = (DIRENT_SIZE + name.length + 1 + 7) & ~7;
          if (size > left) return false;
          left -= size;
          entries.push({ name, ino, next });
          if (attributes !== undefined) this.#given(attributes);
          return true;
        },
        this.#asker,
      );
      file.position = entries.at(-1)?.next ?? file.position;
      return entries;
    },
    setxattr: async (path, name, value, flags) =>
      await this.#fs.setxattr((await this.#found(path, false)).node.ino, name as Octets, Buffer.from(value, 'latin1'), flags, this.#asker),
    getxattr: async (path, name) => {
      const value = await this.#fs.getxattr((await this.#found(path, false)).node.ino, name as Octets, this.#asker);
      if (value === undefined) throw new CallError('getxattr', 'ENODATA');
      return Buffer.from(value).toString('latin1');
    },
    listxattr: async (path) => await this.#fs.listxattr((await this.#found(path, false)).node.ino, this.#asker),
    removexattr: async (path, name) => await this.#fs.removexattr((await this.#found(path, false)).node.ino, name as Octets, this.#asker),
    mapWrite: () => {
      throw new CallError('mmap', 'ENODEV');
    },
  };

  async #openPath(path: string, flags: number, mode: number): Promise<number> {
    const has = (flag: number): boolean => (flags & flag) === flag;
    const makes = has(constants.O_CREAT);
    const { dirs, name, node } = await this.#walk(path, !has(constants.O_NOFOLLOW) && !(makes && has(constants.O_EXCL)));
    if (node === undefined) {
      if (!makes) throw new CallError('open', 'ENOENT');
      const created = await this.#fs.create(top(dirs), name, mode, this.#umask, flags, this.#asker);
      this.#given(created.attributes);
      return this.#opened({ ino: created.attributes.ino, handle: created.handle, isDir: false, position: 0 });
    }
    if (makes && has(constants.O_EXCL)) throw new CallError('open', 'EEXIST');
    if ((node.mode & S_IFMT) === S_IFLNK) throw new CallError('open', 'ELOOP');
    const { ino } = node;
    if (isDir(node)) {
      if (makes || (flags & (constants.O_WRONLY | constants.O_RDWR | constants.O_TRUNC)) !== 0) throw new CallError('open', 'EISDIR');
      const { handle } = await this.#fs.opendir(ino, this.#asker);
      return this.#opened({ ino, handle, isDir: true, position: 0 });
    }
    if (has(constants.O_DIRECTORY)) throw new CallError('open', 'ENOTDIR');
    const { handle } = await this.#fs.open(ino, flags, false, this.#asker);
    return this.#opened({ ino, handle, isDir: false, position: 0 });
  }

  #opened(file: OpenFile): number {
    this.#lastFd++;
    this.#open.set(this.#lastFd, file);
    return this.#lastFd;
  }

  async #close(fd: number): Promise<void> {
    const { ino, handle, isDir: isListing } = this.#file(fd);
    this.#open.delete(fd);
    if (isListing) await this.#fs.releasedir(ino, handle);
    else await this.#fs.release(ino, handle);
  }

  #file(fd: number): OpenFile {
    const file = this.#open.get(fd);
    if (file === undefined) throw new CallError('use descriptor', 'EBADF');
    return file;
  }

  /** A node that was given counts as looked up. */
  #given(attributes: Attributes): Attributes {
    this.#lookups.set(attributes.ino, (this.#lookups.get(attributes.ino) ?? 0) + 1);
    return attributes;
  }

  async #found(path: string, follow: boolean): Promise<Place & { readonly node: Attributes }> {
    const place = await this.#walk(path, follow);
    if (place.node === undefined) throw new CallError('look up', 'ENOENT');
    return { ...place, node: place.node };
  }

  async #walk(path: string, follow: boolean, from = this.#cwd, links = 0): Promise<Place> {
    if (path === '') throw new CallError('look up', 'ENOENT');
    let dirs = path.startsWith('/') ? [ROOT_INO] : [...from];
    const names = path.split('/').filter((name) => name !== '') as Octets[];
    for (const [i, name] of names.entries()) {
      const isLast = i === names.length - 1;
      if (name === '.' || name === '..') {
        const parents = dirs.slice(0, -1);
        const at = name === '.' || parents.length === 0 ? dirs : parents;
        if (isLast) return { dirs, name, node: await this.#fs.getattr(top(at), undefined) };
        dirs = at;
        continue;
      }
      const found = await this.#fs.lookup(top(dirs), name, this.#asker);
      const node = found === undefined ? undefined : this.#given(found);
      const isLink = node !== undefined && (node.mode & S_IFMT) === S_IFLNK;
      if (isLast && !(follow && isLink)) return { dirs, name, node };
      if (node === undefined) throw new CallError('look up', 'ENOENT');
      if (isLink) {
        if (links >= MAX_LINKS) throw new CallError('look up', 'ELOOP');
        return await this.#walk([await this.#fs.readlink(node.ino), ...names.slice(i + 1)].join('/'), follow, dirs, links + 1);
      }
      if (!isDir(node)) throw new CallError('look up', 'ENOTDIR');
      dirs = [...dirs, node.ino];
    }
    return { dirs, name: '.' as Octets, node: await this.#fs.getattr(ROOT_INO, undefined) };
  }
}

function top(dirs: readonly number[]): number {
  return dirs.at(-1) ?? ROOT_INO;
}

function isDir({ mode }: Attributes): boolean {
  return (mode & S_IFMT) === S_IFDIR;
}

function owner(uid: number, gid: number): { readonly uid?: number; readonly gid?: number } {
  return { ...(uid === -1 ? {} : { uid }), ...(gid === -1 ? {} : { gid }) };
}

function instant(time: Exclude<TimeWord, 'omit'>): Instant | 'now' {
  return time === 'now' ? time : { seconds: time[0], nanoseconds: time[1] };
}

function stat(attributes: Attributes): Stat {
  const { rdev } = attributes;
  const moment = ({ seconds, nanoseconds }: Instant): Moment => [seconds, nanoseconds];
  const { ino, mode, nlink, uid, gid, size, blocks } = attributes;
  return {
    ...{ ino, mode, nlink, uid, gid, size, blocks },
    rdev: [(rdev >>> 8) & 0xfff, (rdev & 0xff) | ((rdev >>> 12) & 0xfff00)],
    atime: moment(attributes.atime),
    mtime: moment(attributes.mtime),
    ctime: moment(attributes.ctime),
  };
}
