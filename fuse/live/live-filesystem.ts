import { statfsSync } from 'node:fs';
import type { Octets } from '../../core/base/octets.ts';
import { formatBlock } from '../../core/block/block-text.ts';
import { isHard } from '../../core/tree/live/live-changes.ts';
import type { LiveNode } from '../../core/tree/live/live-state.ts';
import { joinPath } from '../../core/tree/path.ts';
import type { Filesystem, FilesystemSize } from '../filesystem.ts';
import { FilesystemError } from '../filesystem-error.ts';
import { attributeOperations } from './attribute-operations.ts';
import { dirOperations } from './dir-operations.ts';
import { fileOperations } from './file-operations.ts';
import type { Inode } from './inode-table.ts';
import type { LiveMountOptions } from './live-mount.ts';
import { LiveMount } from './live-mount.ts';
import { nameOperations } from './names.ts';
import { SyncQueue } from './write/sync-queue.ts';

/** A live tree as a filesystem. */
export interface LiveFilesystem {
  readonly filesystem: Filesystem;
  readonly mount: LiveMount;
  /** Stores every content that is not in Blocks yet; data written meanwhile may be left out. */
  settle(): Promise<void>;
  /** Paths of the files whose content could not be stored so far. */
  unsaved(): Octets[];
  /** The path of a node that the kernel knows; undefined for others. */
  pathOf(ino: number): Octets | undefined;
  /** Stops retries. */
  end(): void;
}

/** Makes a filesystem of a live tree. The tree may be changed by path as well: each side sees the other's changes. */
export function liveFilesystem(options: LiveMountOptions): LiveFilesystem {
  const mount = new LiveMount(options);
  const queue = new SyncQueue(mount);
  const sync = async (): Promise<void> => {
    await queue.settleAll();
    await options.syncTree();
  };
  const blockrefOf = async (inode: Inode): Promise<string> => {
    if (mount.isLeftOut(inode) === true) throw new FilesystemError('ENODATA');
    await queue.settle(inode);
    // The reader of the reference may open it elsewhere at once.
    await options.store.flush();
    const { dirent } = inode.node;
    if (dirent.kind !== 'file') throw new FilesystemError('ENODATA');
    return formatBlock(inode.front?.settledBlock ?? dirent.block);
  };
  const filesystem: Filesystem = {
    ...nameOperations(mount),
    ...attributeOperations(mount, blockrefOf),
    ...fileOperations(mount, queue),
    ...dirOperations(mount),
    locks: mount.locks,
    async fsyncdir() {
      if ((await mount.journal?.keep(undefined)) !== true) await sync();
    },
    syncfs: sync,
    statfs: () => sizeOf(options.frontFolder, mount.inodes.size),
  };
  return {
    filesystem,
    mount,
    settle: () => queue.settleAll(),
    unsaved: () => queue.failed().map(({ node }) => pathOf(node)),
    pathOf(ino) {
      const inode = mount.inodes.find(ino);
      return inode === undefined ? undefined : pathOf(inode.node);
    },
    end: () => queue.end(),
  };
}

/** The path of a file; if it has several names, where its node is kept. */
function pathOf(node: LiveNode): Octets {
  if (node.sort === 'dir') return node.path();
  if (isHard(node)) return joinPath(node.hard.scope.dir.path(), node.hard.uuid as Octets);
  return node.home === undefined ? node.dirent.name : joinPath(node.home.dir.path(), node.home.name);
}

/** The free space for written data. */
function sizeOf(folder: string, files: number): FilesystemSize {
  const { bsize, blocks, bavail, ffree } = statfsSync(folder);
  return { blockSize: bsize, blocks, free: bavail, files: files + ffree, freeFiles: ffree, nameMax: 255 };
}
