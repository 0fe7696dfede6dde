import { chmodSync, closeSync, constants } from 'node:fs';
import type { AtCalls, CName } from '../base/system/at-calls.ts';
import type { NodeStat } from '../base/system/node-stat.ts';
import { fileType, splitDevice } from '../base/system/node-stat.ts';
import type { LeafDirent } from '../tree/live/live-node.ts';
import type { AttributeFailure, Attributes } from './export-attributes.ts';
import { applyXattrs, attempt } from './export-attributes.ts';
import { floorTo } from './time-grain.ts';

/** The file type bits of a kind. */
const TYPES = {
  file: constants.S_IFREG,
  symlink: constants.S_IFLNK,
  fifo: constants.S_IFIFO,
  socket: constants.S_IFSOCK,
  char: constants.S_IFCHR,
  block: constants.S_IFBLK,
} as const;

/** A node without content in Blocks. */
export type PlainNode = Exclude<LeafDirent, { kind: 'file' }>;

/** Makes a symlink, FIFO, socket or device, and sets its attributes. The name must not exist. @throws SystemError if it cannot be made */
export function makePlainNode(
  at: AtCalls,
  dir: number,
  name: CName,
  dirent: PlainNode,
  attributes: Attributes,
  onFailure: AttributeFailure,
): void {
  if (dirent.kind === 'symlink') at.symlink(Buffer.from(dirent.target, 'latin1'), dir, name);
  else at.mknod(dir, name, TYPES[dirent.kind] | (attributes.mode & 0o777), dirent.meta.rdev ?? { major: 0, minor: 0 });

  let { mode } = attributes;
  if (attributes.uid !== -1 || attributes.gid !== -1) {
    if (!attempt('owner', onFailure, () => at.chown(dir, name, attributes.uid, attributes.gid))) mode &= 0o1777;
  }
  if (dirent.kind !== 'symlink') attempt('mode', onFailure, () => chmodNode(at, dir, name, mode));
  // A symlink has no ACL, so there is none to drop.
  const isSymlink = dirent.kind === 'symlink';
  if (attributes.xattrs.length > 0 || (attributes.dropsAcl && !isSymlink)) {
    applyXattrs(nodePath(dir, name), { ...attributes, dropsAcl: attributes.dropsAcl && !isSymlink }, onFailure);
  }
  attempt('times', onFailure, () => at.utimens(dir, name, attributes.times));
}

/** Sets the mode of a node without opening it for reading or writing. A symlink is not followed. */
function chmodNode(at: AtCalls, dir: number, name: CName, mode: number): void {
  const fd = at.open(dir, name, 'node');
  try {
    if (process.platform === 'linux') chmodSync(`/proc/self/fd/${fd}`, mode);
    else at.fchmod(fd, mode);
  } finally {
    closeSync(fd);
  }
}

/** A path to a name in an open directory, for calls without a directory parameter. */
function nodePath(dir: number, name: CName): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${dir}/`), name.subarray(0, name.length - 1)]);
}

/**
 * Whether an existing node is the same as a Dirent, judged without reading its content.
 *
 * @param grainNs - the resolution of the filesystem's times, in nanoseconds
 * @param readlink - returns the target of the existing symlink
 */
export function isIdentical(
  seen: Pick<NodeStat, 'mode' | 'size' | 'mtimeNs' | 'rdev'>,
  dirent: LeafDirent,
  grainNs: bigint,
  readlink: () => Buffer,
): boolean {
  const { mtimeNs } = dirent.meta;
  if (fileType(seen) !== TYPES[dirent.kind] || mtimeNs === undefined) return false;
  if (seen.mtimeNs !== floorTo(mtimeNs, grainNs)) return false;
  switch (dirent.kind) {
    case 'file':
      return seen.size === BigInt(dirent.block.span);
    case 'symlink':
      return readlink().toString('latin1') === dirent.target;
    case 'char':
    case 'block': {
      const { major, minor } = splitDevice(seen.rdev);
      return major === (dirent.meta.rdev?.major ?? 0) && minor === (dirent.meta.rdev?.minor ?? 0);
    }
    default:
      return true;
  }
}

/** Whether a stat is of a directory. */
export function isDirectory(seen: Pick<NodeStat, 'mode'>): boolean {
  return fileType(seen) === constants.S_IFDIR;
}
