import type { Octets } from '../../core/base/octets.ts';
import type { Block } from '../../core/block/block.ts';
import type { LiveDir, RawEntry } from '../../core/tree/live-node.ts';
import type { LiveNode } from '../../core/tree/live-state.ts';
import type { Caller, EntrySink, Filesystem, ListedEntry, Maybe } from '../filesystem.ts';
import { ROOT_INO, whenThere } from '../filesystem.ts';
import { FilesystemError } from '../filesystem-error.ts';
import { modeOf } from './attributes.ts';
import type { LiveMount } from './live-mount.ts';

/** Entries `.` and `..`, which come first. */
const DOTS = 2;
const DIR_MODE = 0o040000;

/** The operations on open Dirs. */
export type DirOperations = Pick<Filesystem, 'opendir' | 'readdir' | 'releasedir'>;

/** An open Dir: its entries as they were when it was first read, or read again from the start. */
interface Listing {
  entries: RawEntry[];
  more: AsyncIterator<RawEntry[]> | undefined;
  /** The Dir's Block at that time. */
  block: Block | undefined;
  subdirs: number;
}

/** Dirs of a live tree, as a kernel lists them. */
export function dirOperations(mount: LiveMount): DirOperations {
  const { nodes, inodes } = mount;
  const listings = new Map<number, Listing>();
  let lastHandle = 0;

  /** The node of an entry, held; at once where nothing has to be read for it. */
  const nodeOf = (dir: LiveDir, block: Block | undefined, raw: RawEntry, caller: Caller): Maybe<LiveNode | undefined> => {
    const { name } = raw;
    // What has been renamed, removed or stored since the listing began is looked up anew.
    const over = dir.overlay.get(name);
    const isSame = dir.dirent.block === block && (over === undefined || over === raw.entry);
    if (!isSame) return nodes.child(dir, name, caller);
    return whenThere(nodes.entry(dir, raw, caller), (node) => nodes.hold(dir, name, node));
  };

  /** Gives the kernel a node with its attributes. @returns false where it finds no room */
  const giveNode = (name: Octets, node: LiveNode | undefined, next: number, sink: EntrySink): boolean => {
    if (node === undefined) return true;
    const inode = inodes.give(node);
    const attributes = mount.attributes(inode);
    if (sink({ name, ino: attributes.ino, mode: attributes.mode, next, attributes })) return true;
    inodes.forget(attributes.ino, 1);
    return false;
  };

  return {
    opendir(ino) {
      mount.dir(ino);
      inodes.get(ino).opens++;
      lastHandle++;
      listings.set(lastHandle, { entries: [], more: undefined, block: undefined, subdirs: 0 });
      return { handle: lastHandle, keepCache: true };
    },
    async readdir(ino, handle, offset, plus, sink, caller) {
      const listing = listings.get(handle);
      if (listing === undefined) throw new FilesystemError('EBADF');
      const dir = mount.dir(ino);
      if (offset === 0) {
        listing.block = dir.dirent.block;
        listing.entries = [];
        listing.subdirs = 0;
        listing.more = nodes.isRemoved(dir) ? undefined : nodes.entryBatches(dir)[Symbol.asyncIterator]();
      }
      // Not even the dots.
      if (nodes.isRemoved(dir)) return;
      for (let i = offset; ; i++) {
        if (i < DOTS) {
          if (!sink(dotEntry(dir, i))) return;
          continue;
        }
        if (listing.entries.length <= i - DOTS) await readOn(dir, listing, i - DOTS);
        const raw = listing.entries[i - DOTS];
        if (raw === undefined) return;
        if (plus) {
          const node = nodeOf(dir, listing.block, raw, caller);
          if (!giveNode(raw.name, node instanceof Promise ? await node : node, i + 1, sink)) return;
        } else {
          const { entry, name } = raw;
          const found = entry.sort === 'stored' ? undefined : nodes.entry(dir, raw);
          const node = found instanceof Promise ? await found : found;
          if (!sink({ name, ino: node?.id ?? dir.id, mode: node === undefined ? DIR_MODE : modeOf(node), next: i + 1 })) return;
        }
      }
    },
    releasedir(ino, handle) {
      listings.delete(handle);
      const inode = inodes.get(ino);
      inode.opens = Math.max(0, inode.opens - 1);
      inodes.drop(inode);
    },
  };
}

function dotEntry(dir: LiveDir, i: number): ListedEntry {
  const ino = i === 0 ? dir.id : (dir.parent?.id ?? ROOT_INO);
  return { name: (i === 0 ? '.' : '..') as Octets, ino, mode: DIR_MODE, next: i + 1 };
}

/** Reads on until there is an entry of this index, or none comes any more. */
async function readOn(dir: LiveDir, listing: Listing, index: number): Promise<void> {
  while (listing.entries.length <= index && listing.more !== undefined) {
    const { value, done } = await listing.more.next();
    if (done) {
      listing.more = undefined;
      // Where nothing came or went meanwhile, the Dirs in it are counted now.
      if (dir.subdirs === undefined && !dir.stale && dir.dirent.block === listing.block) dir.subdirs = listing.subdirs;
    } else {
      for (const raw of value) {
        listing.entries.push(raw);
        if (raw.entry.sort === 'dir' || raw.entry.sort === 'stored') listing.subdirs++;
      }
    }
  }
}
