import type { Octets } from '../../core/base/octets.ts';
import type { Block } from '../../core/block/block.ts';
import type { LiveDir, RawEntry } from '../../core/tree/live/live-node.ts';
import type { LiveNode } from '../../core/tree/live/live-state.ts';
import type { Caller, EntrySink, Filesystem, ListedEntry, Maybe } from '../filesystem.ts';
import { ROOT_INO, whenThere } from '../filesystem.ts';
import { FilesystemError } from '../filesystem-error.ts';
import { modeOf } from './attributes.ts';
import type { DirListing } from './dir-listings.ts';
import { DirListings, MAX_KEPT_LISTING_SIZE } from './dir-listings.ts';
import type { LiveMount } from './live-mount.ts';

/** Entries `.` and `..`, which come first. */
const DOTS = 2;
const DIR_MODE = 0o040000;

/** The operations on open Dirs. */
export type DirOperations = Pick<Filesystem, 'opendir' | 'readdir' | 'releasedir'>;

/** An offset is the listing's number times this, plus the entry's position. */
const NUMBER_UNIT = 2 ** 32;

/** Dirs of a live tree, as a kernel lists them. */
export function dirOperations(mount: LiveMount): DirOperations {
  const { nodes, inodes } = mount;
  const listings = new DirListings(nodes);
  /** By handle: the listing that it read last. */
  const reading = new Map<number, DirListing | undefined>();
  let lastHandle = 0;

  /** Makes a handle keep only the listing that it reads. */
  const reads = (handle: number, listing: DirListing | undefined): void => {
    const before = reading.get(handle);
    if (before === listing) return;
    if (before !== undefined) before.readers--;
    if (listing !== undefined) listing.readers++;
    reading.set(handle, listing);
  };

  /** The listing that an offset belongs to. Without a handle the mount is read-only, and every listing of a Dir is the same. */
  const listingAt = (dir: LiveDir, handle: number, offset: number): DirListing => {
    const known = offset === 0 ? undefined : listings.find(dir, Math.floor(offset / NUMBER_UNIT));
    if (known === undefined && offset !== 0 && handle !== 0) throw new FilesystemError('ESTALE');
    return known ?? listings.begin(dir);
  };

  /** The node of an entry, held; at once where nothing has to be read for it. */
  const nodeOf = (dir: LiveDir, block: Block | undefined, raw: RawEntry, caller: Caller): Maybe<LiveNode | undefined> => {
    const { name } = raw;
    // Names that were renamed, removed or stored since the listing began are looked up again.
    const over = dir.overlay.get(name);
    const isSame = dir.dirent.block === block && (over === undefined || over === raw.entry);
    if (!isSame) return nodes.child(dir, name, caller);
    return whenThere(nodes.entry(dir, raw, caller), (node) => nodes.hold(dir, name, node));
  };

  /** Sends the kernel a node with its attributes. @returns false if there is no room */
  const giveNode = (name: Octets, node: LiveNode | undefined, next: number, sink: EntrySink): boolean => {
    if (node === undefined) return true;
    const inode = inodes.give(node);
    const attributes = mount.listedAttributes(inode);
    if (sink({ name, ino: attributes.ino, mode: attributes.mode, next, attributes })) return true;
    inodes.forget(attributes.ino, 1);
    return false;
  };

  return {
    opendir(ino) {
      const dir = mount.dir(ino);
      inodes.get(ino).opens++;
      lastHandle++;
      reading.set(lastHandle, undefined);
      return { handle: lastHandle, keepCache: dir.dirent.block.span <= MAX_KEPT_LISTING_SIZE };
    },
    readdir(ino, handle, offset, plus, sink, caller) {
      const dir = mount.dir(ino);
      if (handle !== 0 && !reading.has(handle)) throw new FilesystemError('EBADF');
      const listing = listingAt(dir, handle, offset);
      if (handle !== 0) reads(handle, listing);
      // A removed Dir has not even `.` and `..`.
      if (nodes.isRemoved(dir)) return;
      const base = listing.number * NUMBER_UNIT;
      const listFrom = (start: number): Maybe<void> => {
        for (let i = start; ; i++) {
          const next = base + i + 1;
          if (i < DOTS) {
            if (!sink(dotEntry(dir, i, next))) return;
            continue;
          }
          const raw = listing.entries[i - DOTS];
          if (raw === undefined) {
            if (listing.more !== undefined) return listings.readOn(dir, listing, i - DOTS).then(() => listFrom(i));
            return;
          }
          const { entry, name } = raw;
          if (plus) {
            const node = nodeOf(dir, listing.block, raw, caller);
            if (node instanceof Promise) return node.then((found) => (giveNode(name, found, next, sink) ? listFrom(i + 1) : undefined));
            if (!giveNode(name, node, next, sink)) return;
            continue;
          }
          const node = entry.sort === 'stored' ? undefined : nodes.entry(dir, raw);
          const giveName = (found: LiveNode | undefined): boolean =>
            sink({ name, ino: found?.id ?? dir.id, mode: found === undefined ? DIR_MODE : modeOf(found), next });
          if (node instanceof Promise) return node.then((found) => (giveName(found) ? listFrom(i + 1) : undefined));
          if (!giveName(node)) return;
        }
      };
      return listFrom(offset % NUMBER_UNIT);
    },
    releasedir(ino, handle) {
      reads(handle, undefined);
      reading.delete(handle);
      const inode = inodes.get(ino);
      inode.opens = Math.max(0, inode.opens - 1);
      inodes.drop(inode);
    },
  };
}

function dotEntry(dir: LiveDir, i: number, next: number): ListedEntry {
  const ino = i === 0 ? dir.id : (dir.parent?.id ?? ROOT_INO);
  return { name: (i === 0 ? '.' : '..') as Octets, ino, mode: DIR_MODE, next };
}
