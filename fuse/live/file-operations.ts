import { constants } from 'node:fs';
import { PathError } from '../../core/base/errors.ts';
import type { Block } from '../../core/block/block.ts';
import { EMPTY_BLOCK } from '../../core/block/block.ts';
import { readBlockRange } from '../../core/block/read-range.ts';
import type { FileDirent } from '../../core/dirent/dirent.ts';
import type { LiveNode } from '../../core/tree/live/live-state.ts';
import type { Attributes, Caller, Filesystem, Maybe, Opened } from '../filesystem.ts';
import { whenThere } from '../filesystem.ts';
import { FilesystemError } from '../filesystem-error.ts';
import { withoutPrivileges } from './attribute-operations.ts';
import type { Inode, LeafInode } from './inode-table.ts';
import type { LiveMount } from './live-mount.ts';
import { checkedName, newNodeMeta } from './names.ts';
import { seekBlock } from './write/front-file.ts';
import type { SyncQueue } from './write/sync-queue.ts';
import { writableFront } from './write/write-front.ts';

/** fallocate(2): <linux/falloc.h>. */
const FALLOC_KEEP_SIZE = 1;
const FALLOC_PUNCH_HOLE = 2;
const FALLOC_ZERO_RANGE = 16;

/** Bytes that one copy_file_range(2) copies, at most: the answer has 32 bits. */
const MAX_COPIED = 0x7ffff000;

/** An inode of a file whose whole content is in Blocks. */
type StoredInode = LeafInode & { readonly node: { readonly dirent: FileDirent } };

/** The operations on open files. */
export type FileOperations = Pick<
  Filesystem,
  'open' | 'create' | 'tmpfile' | 'read' | 'write' | 'release' | 'fsync' | 'fallocate' | 'seek' | 'copyRange'
>;

/** Files of a live tree, as a kernel opens, reads and writes them. */
export function fileOperations(mount: LiveMount, queue: SyncQueue): FileOperations {
  const { nodes, inodes } = mount;
  let lastHandle = 0;
  const opened = (inode: Inode, keepCache: boolean): Opened => {
    inode.opens++;
    lastHandle++;
    return { handle: lastHandle, keepCache };
  };
  const written = (inode: Inode): void => {
    inode.writtenNs = mount.options.clock.nowNs();
  };
  const openedNew = (inode: Inode, attributes: Attributes): Opened & { readonly attributes: Attributes } => ({
    ...opened(inode, false),
    attributes,
  });

  const readStored = ({ node }: StoredInode, handle: number, start: number, end: number, caller: Caller): Maybe<readonly Uint8Array[]> => {
    const { block } = node.dirent;
    const whole = mount.neighbours?.read(node, block, start, end);
    if (whole !== undefined) return [whole];
    // A kernel that skips opens has no handles: then all readers of the file share its number.
    return mount.contents.read(handle === 0 ? -node.id : handle, block, start, end, () => caller.signal);
  };

  return {
    open(ino, flags, killSuidGid) {
      const inode = mount.file(ino);
      if ((flags & constants.O_TRUNC) !== 0) {
        writableFront(mount, inode).truncate(0);
        written(inode);
      }
      const open = opened(inode, true);
      if (!killSuidGid) return open;
      return whenThere(
        mount.changeMeta(inode, (meta) => withoutPrivileges(meta, true)),
        () => open,
      );
    },
    create(parent, name, mode, umask, flags, caller) {
      const room = queue.room();
      if (room !== undefined) return room.then(() => this.create(parent, name, mode, umask, flags, caller));
      const dir = mount.dir(parent);
      const meta = newNodeMeta(mount, dir, 'other', mode, umask, caller);
      const made = (node: LiveNode): Opened & { readonly attributes: Attributes } => {
        const inode = inodes.give(node);
        return openedNew(inode, mount.attributes(inode));
      };
      const dirent = { kind: 'file', name, meta, block: EMPTY_BLOCK } as const;
      const node = nodes.create(dir, checkedName(name), dirent, mount);
      if (!(node instanceof Promise)) return made(node);
      if ((flags & constants.O_EXCL) !== 0) return node.then(made);
      return node.then(made, lookAgain);
    },
    async tmpfile(parent, mode, umask, _flags, caller) {
      const dir = mount.dir(parent);
      const meta = newNodeMeta(mount, dir, 'other', mode, umask, caller);
      const inode = inodes.give(await nodes.createNameless(dir, { kind: 'file', name: checkedNameless(), meta, block: EMPTY_BLOCK }));
      return openedNew(inode, mount.attributes(inode));
    },
    read(ino, handle, offset, size, caller) {
      const inode = mount.file(ino);
      const { node, front } = inode;
      if (front === undefined && node.unsynced === undefined && node.dirent.kind === 'file')
        return readStored(inode as StoredInode, handle, offset, offset + size, caller);
      const now = front?.readNow(offset, offset + size);
      return now ?? collect(contentOf(mount, inode, offset, offset + size, caller.signal));
    },
    write(ino, _handle, offset, data, { cached, killSuidGid, append }) {
      const inode = mount.file(ino);
      if (!Number.isSafeInteger(offset + data.length)) throw new FilesystemError('EFBIG');
      const front = writableFront(mount, inode);
      const { size } = front;
      front.write(data, append ? size : offset);
      if (front.size > size) queue.grown(inode);
      if (!cached) written(inode);
      if (!killSuidGid) return data.length;
      const { length } = data;
      return whenThere(
        mount.changeMeta(inode, (meta) => withoutPrivileges(meta, true)),
        () => length,
      );
    },
    release(ino, handle) {
      mount.contents.close(handle);
      mount.locks.release(ino, handle);
      const inode = inodes.get(ino);
      inode.opens = Math.max(0, inode.opens - 1);
      mount.settleTime(inode);
      if (inode.front !== undefined && inode.opens === 0 && !nodes.isRemoved(inode.node)) {
        inode.front.finish();
        if (mount.journal?.holds(inode) === true) queue.addLater(inode);
        else queue.add(inode);
      }
      inodes.drop(inode);
    },
    async fsync(ino) {
      const inode = inodes.get(ino);
      if ((await mount.journal?.keep(inode)) === true) return;
      await queue.store(inode);
      await mount.options.syncTree();
    },
    fallocate(ino, _handle, mode, offset, length) {
      const inode = mount.file(ino);
      const front = writableFront(mount, inode);
      const end = offset + length;
      if (!Number.isSafeInteger(end)) throw new FilesystemError('EFBIG');
      const keepSize = (mode & FALLOC_KEEP_SIZE) !== 0;
      switch (mode & ~FALLOC_KEEP_SIZE) {
        case 0:
          // Space cannot be reserved.
          break;
        case FALLOC_PUNCH_HOLE:
          if (!keepSize) throw new FilesystemError('EOPNOTSUPP');
          front.punch(offset, end);
          break;
        case FALLOC_ZERO_RANGE:
          front.punch(offset, end);
          break;
        default:
          throw new FilesystemError('EOPNOTSUPP');
      }
      if (!keepSize && end > front.size) front.truncate(end);
      written(inode);
    },
    async seek(ino, _handle, offset, whence) {
      const inode = mount.file(ino);
      const { size } = mount.attributes(inode);
      if (offset >= size) throw new FilesystemError('ENXIO');
      const { dirent } = inode.node;
      const found =
        inode.front === undefined
          ? dirent.kind === 'file'
            ? await seekBlock(mount.store, dirent.block, offset, size, whence)
            : undefined
          : await inode.front.seek(offset, whence);
      if (found !== undefined) return found;
      if (whence === 'data') throw new FilesystemError('ENXIO');
      return size;
    },
    async copyRange(from, to, caller) {
      const source = mount.file(from.ino);
      const target = mount.file(to.ino);
      const { size } = mount.attributes(source);
      const length = Math.max(0, Math.min(from.length, MAX_COPIED, size - from.offset));
      if (length === 0) return 0;
      if (!Number.isSafeInteger(to.offset + length)) throw new FilesystemError('EFBIG');
      if (source === target && from.offset < to.offset + length && to.offset < from.offset + length) throw new FilesystemError('EINVAL');
      // Excluded content is not copied by reference: the caller copies bytes.
      if (mount.isLeftOut(source) !== false) throw new FilesystemError('EOPNOTSUPP');
      const block = await queue.settle(source);
      if (block === undefined) throw new FilesystemError('EINVAL');
      // The source may have been truncated meanwhile.
      const copied = Math.max(0, Math.min(length, block.span - from.offset));
      // Storing will cut the part out of the Block. If its ends cannot be read, the copy fails now.
      if (copied > 0 && copied < block.span) await requireEnds(mount, block, from.offset, from.offset + copied, caller.signal);
      writableFront(mount, target).refer(to.offset, copied, block, from.offset);
      if (copied > 0) written(target);
      return copied;
    },
  };
}

function checkedNameless(): ReturnType<typeof checkedName> {
  return '' as ReturnType<typeof checkedName>;
}

/** Reads the first and the last byte of a part of a content. */
async function requireEnds({ store }: LiveMount, block: Block, start: number, end: number, signal: Caller['signal']): Promise<void> {
  for (const at of [start, end - 1]) await collect(readBlockRange(store, block, { start: at, end: at + 1, signal }));
}

async function* contentOf(
  mount: LiveMount,
  inode: LeafInode,
  start: number,
  end: number,
  signal: Caller['signal'],
): AsyncGenerator<Uint8Array> {
  const { node, front } = inode;
  if (front !== undefined) yield* front.read(start, end, { signal });
  else if (node.unsynced !== undefined) yield* node.unsynced.read(start, Math.min(end, node.unsynced.size), { signal });
  else if (node.dirent.kind === 'file') yield* readBlockRange(mount.store, node.dirent.block, { start, end, signal });
}

/** Copies of all chunks: a chunk is valid only until the next one is requested. */
async function collect(content: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return pieces;
}

/**
 * Another mount created the name after this kernel's lookup. ESTALE makes the kernel repeat the lookup and open the file with the
 * permission checks that an answer here would bypass.
 */
function lookAgain(error: unknown): never {
  throw error instanceof PathError && error.errno === 'EEXIST' ? new FilesystemError('ESTALE') : error;
}
