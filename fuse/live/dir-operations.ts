import type { Octets } from '../../core/base/octets.ts';
import type { Block } from '../../core/block/block.ts';
import type { LiveDir, RawEntry } from '../../core/tree/live-node.ts';
import type { Caller, EntrySink, Filesystem, ListedEntry } from '../filesystem.ts';
import { ROOT_INO } from '../filesystem.ts';
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
  more: AsyncIterator<RawEntry> | undefined;
  /** The Dir's Block at that time. */
  block: Block | undefined;
  subdirs: number;
}

/** Dirs of a live tree, as a kernel lists them. */
export function dirOperations(mount: LiveMount): DirOperations {
  const { nodes, inodes } = mount;
  const listings = new Map<number, Listing>();
  let lastHandle = 0;

  /** Gives the kernel an entry with its attributes. @returns false where it finds no room */
  const giveEntry = async (
    dir: LiveDir,
    block: Block | undefined,
    raw: RawEntry,
    next: number,
    sink: EntrySink,
    caller: Caller,
  ): Promise<boolean> => {
    const { name } = raw;
    // What has been renamed, removed or stored since the listing began is looked up anew.
    const over = dir.overlay.get(name);
    const isSame = dir.dirent.block === block && (over === undefined || over === raw.entry);
    const node = isSame
      ? nodes.hold(dir, name, await nodes.entry(dir, raw, { signal: caller.signal }))
      : await nodes.child(dir, name, { signal: caller.signal });
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
        listing.more = nodes.isRemoved(dir) ? undefined : nodes.entries(dir, { signal: caller.signal })[Symbol.asyncIterator]();
      }
      for (let i = offset; ; i++) {
        if (i < DOTS) {
          if (!sink(dotEntry(dir, i))) return;
          continue;
        }
        const raw = await entryAt(dir, listing, i - DOTS);
        if (raw === undefined) return;
        if (plus) {
          if (!(await giveEntry(dir, listing.block, raw, i + 1, sink, caller))) return;
        } else {
          const { entry, name } = raw;
          const node = entry.sort === 'stored' ? undefined : entry.sort === 'link' ? await nodes.entry(dir, raw) : entry;
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

async function entryAt(dir: LiveDir, listing: Listing, index: number): Promise<RawEntry | undefined> {
  while (listing.entries.length <= index && listing.more !== undefined) {
    const { value, done } = await listing.more.next();
    if (done) {
      listing.more = undefined;
      // Where nothing came or went meanwhile, the Dirs in it are counted now.
      if (dir.subdirs === undefined && !dir.stale && dir.dirent.block === listing.block) dir.subdirs = listing.subdirs;
    } else {
      listing.entries.push(value);
      if (value.entry.sort === 'dir' || value.entry.sort === 'stored') listing.subdirs++;
    }
  }
  return listing.entries[index];
}
