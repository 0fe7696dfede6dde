import type { Octets } from '../../core/base/octets.ts';
import { EMPTY_BLOCK } from '../../core/block/block.ts';
import type { Meta } from '../../core/dirent/meta.ts';
import type { LiveDir } from '../../core/tree/live/live-node.ts';
import type { NodeDirent } from '../../core/tree/live/live-operations.ts';
import type { LiveNode } from '../../core/tree/live/live-state.ts';
import { unpackDevice } from '../device-number.ts';
import type { Attributes, Caller, Filesystem, Maybe } from '../filesystem.ts';
import { RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT, whenThere } from '../filesystem.ts';
import { FilesystemError } from '../filesystem-error.ts';
import { inheritAcl } from './acl.ts';
import { kindOfMode } from './attributes.ts';
import type { LiveMount } from './live-mount.ts';

const S_ISGID = 0o2000;
const PERMISSIONS = 0o7777;
/** Octets of a name, at most, as on every Linux filesystem; then octets of a symlink's target. */
const MAX_NAME_SIZE = 255;
const MAX_TARGET_SIZE = 4095;

/** The operations on names. */
export type NameOperations = Pick<
  Filesystem,
  'lookup' | 'forget' | 'readlink' | 'symlink' | 'mknod' | 'mkdir' | 'unlink' | 'rmdir' | 'rename' | 'link'
>;

/** Names of a live tree, as a kernel asks for them. */
export function nameOperations(mount: LiveMount): NameOperations {
  const { nodes, inodes } = mount;
  const give = (node: LiveNode): Attributes => mount.attributes(inodes.give(node));
  const make = (parent: number, name: Octets, dirent: NodeDirent): Maybe<Attributes> =>
    whenThere(nodes.create(mount.dir(parent), checkedName(name), dirent, mount), give);

  return {
    lookup: (parent, name, caller) =>
      whenThere(nodes.child(mount.dir(parent), checkedName(name), caller), (node) =>
        node === undefined ? undefined : mount.countedAttributes(inodes.give(node)),
      ),
    forget: (ino, lookups) => inodes.forget(ino, lookups),
    readlink(ino) {
      const { dirent } = inodes.get(ino).node;
      if (dirent.kind !== 'symlink') throw new FilesystemError('EINVAL');
      return dirent.target;
    },
    symlink(parent, name, target, caller) {
      if (target.length > MAX_TARGET_SIZE) throw new FilesystemError('ENAMETOOLONG');
      const meta = newNodeMeta(mount, mount.dir(parent), 'symlink', 0o777, 0, caller);
      return make(parent, name, { kind: 'symlink', name, meta, target });
    },
    mknod(parent, name, mode, umask, rdev, caller) {
      const kind = kindOfMode(mode);
      if (kind === undefined) throw new FilesystemError('EINVAL');
      const meta = newNodeMeta(mount, mount.dir(parent), 'other', mode, umask, caller);
      if (kind === 'file') return make(parent, name, { kind, name, meta, block: EMPTY_BLOCK });
      const isDevice = kind === 'char' || kind === 'block';
      return make(parent, name, { kind, name, meta: isDevice ? { ...meta, rdev: unpackDevice(rdev) } : meta });
    },
    mkdir(parent, name, mode, umask, caller) {
      const dir = mount.dir(parent);
      // New Dirs in a setgid Dir are setgid, too.
      const inherited = (dir.dirent.meta.mode ?? 0) & S_ISGID;
      const meta = newNodeMeta(mount, dir, 'dir', (mode & PERMISSIONS) | inherited, umask, caller);
      return make(parent, name, { kind: 'dir', name, meta, block: EMPTY_BLOCK });
    },
    unlink: (parent, name) => nodes.remove(mount.dir(parent), name, 'leaf', mount),
    rmdir(parent, name) {
      if (name === '.') throw new FilesystemError('EINVAL');
      return nodes.remove(mount.dir(parent), name, 'dir', mount);
    },
    async rename(parent, name, newParent, newName, flags, caller) {
      if (flags !== RENAME_EXCHANGE && (flags & ~(RENAME_NOREPLACE | RENAME_WHITEOUT)) !== 0) throw new FilesystemError('EINVAL');
      const manner = flags === RENAME_EXCHANGE ? 'exchange' : (flags & RENAME_NOREPLACE) !== 0 ? 'keep' : 'replace';
      const from = { dir: mount.dir(parent), name };
      const whiteout = (): NodeDirent => ({
        kind: 'char',
        name,
        meta: { ...newNodeMeta(mount, from.dir, 'other', 0, 0, caller), rdev: { major: 0, minor: 0 } },
      });
      const leave = (flags & RENAME_WHITEOUT) === 0 ? {} : { leave: whiteout() };
      await nodes.rename(from, { dir: mount.dir(newParent), name: checkedName(newName) }, manner, mount, leave);
    },
    async link(ino, parent, name) {
      const inode = inodes.get(ino);
      const { node } = inode;
      if (node.sort === 'dir') throw new FilesystemError('EPERM');
      mount.settleTime(inode);
      await nodes.link(node, mount.dir(parent), checkedName(name), mount);
      inode.lookups++;
      return mount.attributes(inode);
    },
  };
}

/** The metadata of a new node: it inherits the group of a setgid Dir and the Dir's default access control list. */
export function newNodeMeta(
  mount: LiveMount,
  parent: LiveDir,
  kind: 'dir' | 'symlink' | 'other',
  mode: number,
  umask: number,
  { uid, gid }: Pick<Caller, 'uid' | 'gid'>,
): Meta {
  const { meta } = parent.dirent;
  const group = ((meta.mode ?? 0) & S_ISGID) === 0 ? gid : (meta.gid ?? gid);
  const nowNs = mount.options.clock.nowNs();
  const own: Meta = { mode: mode & PERMISSIONS, ...mount.ownerMeta(uid, group), mtimeNs: nowNs, ctimeNs: nowNs, btimeNs: nowNs };
  return kind === 'symlink' ? own : inheritAcl(own, meta, kind, umask);
}

/** A name that a Dir can have. @throws FilesystemError ENAMETOOLONG, EINVAL */
export function checkedName(name: Octets): Octets {
  if (name.length > MAX_NAME_SIZE) throw new FilesystemError('ENAMETOOLONG');
  if (name === '' || name === '.' || name === '..') throw new FilesystemError('EINVAL');
  return name;
}
