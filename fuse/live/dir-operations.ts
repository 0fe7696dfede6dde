import type { Octets } from '../../core/base/octets.ts';
import type { Block } from '../../core/block/block.ts';
import type { LiveDir, RawEntry } from '../../core/tree/live-node.ts';
import { isDirEntry } from '../../core/tree/live-node.ts';
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

/** A reading of a Dir: its entries as they were when it was first read, or read again from the start. */
interface Listing {
  entries: RawEntry[];
  more: AsyncIterator<RawEntry[]> | undefined;
  /** The Dir's Block at that time. */
  block: Block | undefined;
  subdirs: number;
  /** Where no handle tells which listing it is, the offsets do: they begin with its number. */
  number: number;
}

/** Offsets in a listing that has no handle are its number, times this, and the entry's place. */
const NUMBER_UNIT = 2 ** 32;

/** Numbers of listings: with the place they are still safe integers. */
const MAX_NUMBER = 2 ** 20;

/** Listings without handles that were begun and not read to their ends, at most. */
const MAX_UNFINISHED = 1024;

/** Dirs of a live tree, as a kernel lists them. */
export function dirOperations(mount: LiveMount): DirOperations {
  const { nodes, inodes } = mount;
  const listings = new Map<number, Listing>();
  const unfinished = new Map<number, Listing>();
  let lastHandle = 0;
  let lastNumber = 0;

  const begin = (listing: Listing, dir: LiveDir): void => {
    listing.block = dir.dirent.block;
    listing.subdirs = 0;
    const isRemoved = nodes.isRemoved(dir);
    const entries = isRemoved ? undefined : nodes.entriesNow(dir);
    listing.entries = entries ?? [];
    listing.more = isRemoved || entries !== undefined ? undefined : nodes.entryBatches(dir)[Symbol.asyncIterator]();
    if (entries === undefined) return;
    for (const { entry } of entries) if (isDirEntry(entry)) listing.subdirs++;
    if (!dir.stale) dir.subdirs ??= listing.subdirs;
  };
  /** The listing that an offset without a handle belongs to; a new one where it is at the start, or long ago. */
  const numbered = (dir: LiveDir, offset: number): Listing => {
    const known = offset === 0 ? undefined : unfinished.get(Math.floor(offset / NUMBER_UNIT));
    if (known !== undefined) return known;
    const listing: Listing = { ...emptyListing(), number: ++lastNumber % MAX_NUMBER };
    begin(listing, dir);
    unfinished.set(listing.number, listing);
    for (const oldest of unfinished.keys()) {
      if (unfinished.size <= MAX_UNFINISHED) break;
      unfinished.delete(oldest);
    }
    return listing;
  };

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
    const attributes = mount.listedAttributes(inode);
    if (sink({ name, ino: attributes.ino, mode: attributes.mode, next, attributes })) return true;
    inodes.forget(attributes.ino, 1);
    return false;
  };

  return {
    opendir(ino) {
      mount.dir(ino);
      inodes.get(ino).opens++;
      lastHandle++;
      listings.set(lastHandle, emptyListing());
      return { handle: lastHandle, keepCache: true };
    },
    readdir(ino, handle, offset, plus, sink, caller) {
      const dir = mount.dir(ino);
      const listing = handle === 0 ? numbered(dir, offset) : listings.get(handle);
      if (listing === undefined) throw new FilesystemError('EBADF');
      if (handle !== 0 && offset === 0) begin(listing, dir);
      // Not even the dots.
      if (nodes.isRemoved(dir)) return;
      const base = handle === 0 ? listing.number * NUMBER_UNIT : 0;
      const listFrom = (start: number): Maybe<void> => {
        for (let i = start; ; i++) {
          const next = base + i + 1;
          if (i < DOTS) {
            if (!sink(dotEntry(dir, i, next))) return;
            continue;
          }
          const raw = listing.entries[i - DOTS];
          if (raw === undefined) {
            if (listing.more !== undefined) return readOn(dir, listing, i - DOTS).then(() => listFrom(i));
            // Nothing was given: the reader is at the end.
            if (handle === 0 && i === offset % NUMBER_UNIT) unfinished.delete(listing.number);
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
      listings.delete(handle);
      const inode = inodes.get(ino);
      inode.opens = Math.max(0, inode.opens - 1);
      inodes.drop(inode);
    },
  };
}

function emptyListing(): Listing {
  return { entries: [], more: undefined, block: undefined, subdirs: 0, number: 0 };
}

function dotEntry(dir: LiveDir, i: number, next: number): ListedEntry {
  const ino = i === 0 ? dir.id : (dir.parent?.id ?? ROOT_INO);
  return { name: (i === 0 ? '.' : '..') as Octets, ino, mode: DIR_MODE, next };
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
        if (isDirEntry(raw.entry)) listing.subdirs++;
      }
    }
  }
}
