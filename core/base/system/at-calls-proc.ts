import {
  fchmodSync,
  fchownSync,
  constants as fsConstants,
  fstatSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { constants } from 'node:os';
import { nodeTime, readTimespec } from '../timespec.ts';
import type { AtCalls, CName } from './at-calls.ts';
import { errorCode, systemError } from './system-error.ts';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOATIME, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = fsConstants;
const O_PATH = 0o10000000; // Linux
const OPEN_FLAGS = {
  create: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
  dir: O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
  content: O_RDONLY | O_NONBLOCK | O_NOFOLLOW,
  node: O_PATH | O_NOFOLLOW,
} as const;

/** Implements the calls with Node alone, by paths under Linux's /proc/self/fd. Device nodes cannot be made (ENOTSUP). */
export function procAtCalls(): AtCalls {
  return {
    open(dir, name, mode) {
      const path = procPath(dir, name);
      try {
        return openSync(path, OPEN_FLAGS[mode] | (mode === 'content' ? O_NOATIME : 0), 0o600);
      } catch (error) {
        // Only the owner may ask for O_NOATIME.
        if (mode !== 'content' || errorCode(error) !== 'EPERM') throw error;
        return openSync(path, OPEN_FLAGS[mode]);
      }
    },
    mkdir(dir, name, mode) {
      mkdirSync(procPath(dir, name), { mode });
    },
    rename(dir, from, to) {
      renameSync(procPath(dir, from), procPath(dir, to));
    },
    link(fromDir, from, toDir, to) {
      linkSync(procPath(fromDir, from), procPath(toDir, to));
    },
    symlink(target, dir, name) {
      symlinkSync(Buffer.from(target), procPath(dir, name));
    },
    readlink: (dir, name) => readlinkSync(procPath(dir, name), 'buffer'),
    unlink(dir, name) {
      try {
        unlinkSync(procPath(dir, name));
      } catch (error) {
        if (errorCode(error) !== 'ENOENT') throw error;
      }
    },
    rmdir(dir, name) {
      rmdirSync(procPath(dir, name));
    },
    mknod(_dir, name) {
      throw systemError(constants.errno.ENOTSUP, 'mknod', name.subarray(0, name.length - 1));
    },
    stat: (dir, name) => lstatSync(procPath(dir, name), { bigint: true, throwIfNoEntry: false }),
    chown(dir, name, uid, gid) {
      lchownSync(procPath(dir, name), uid, gid);
    },
    utimens(dir, name, times) {
      const seen = lstatSync(procPath(dir, name), { bigint: true });
      lutimesSync(procPath(dir, name), nodeTime(readTimespec(times, 0) ?? seen.atimeNs), nodeTime(readTimespec(times, 16) ?? seen.mtimeNs));
    },
    fchown: fchownSync,
    fchmod: fchmodSync,
    futimens(fd, times) {
      const seen = fstatSync(fd, { bigint: true });
      futimesSync(fd, nodeTime(readTimespec(times, 0) ?? seen.atimeNs), nodeTime(readTimespec(times, 16) ?? seen.mtimeNs));
    },
  };
}

/** A path that the kernel resolves from the open directory. It looks up only the last name. */
function procPath(dir: number, name: CName): Buffer {
  if (process.platform !== 'linux') throw systemError(constants.errno.ENOTSUP, 'openat', name.subarray(0, name.length - 1));
  return Buffer.concat([Buffer.from(`/proc/self/fd/${dir}/`), name.subarray(0, name.length - 1)]);
}
