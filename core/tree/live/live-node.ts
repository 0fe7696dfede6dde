import type { Octets } from '../../base/octets.ts';
import { compareOctets } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { Block } from '../../block/block.ts';
import type { DirDirent, Dirent, IndirectDirent } from '../../dirent/dirent.ts';
import type { DirReader } from '../dir-reader.ts';
import { entryId } from '../node-id.ts';
import type { TreePath } from '../path.ts';
import { pathOf } from '../path.ts';
import type { InodeScope } from './inode-scope.ts';

/** The Dirent of a node that is no Dir. */
export type LeafDirent = Exclude<Dirent, DirDirent | IndirectDirent>;

/** A file's content that is not in Blocks yet, as in a front file of a mount. */
export interface UnsyncedContent {
  /** The present size in octets. */
  readonly size: number;
  /** Whether the content is unchanged since the last `settle`. */
  readonly isSettled: boolean;
  /** Reads the octets `start` to `end`; a chunk is valid until the next is requested. */
  read(start: number, end: number, options?: OpOptions): AsyncIterable<Uint8Array>;
  /** Adds the content to the Store and returns its Block, which `sync` records. Call it again after further changes. */
  settle(options?: OpOptions): Promise<Block>;
}

/** The place of a node's name. */
export interface NodePlace {
  readonly dir: LiveDir;
  readonly name: Octets;
}

/** A node of a live tree that is no Dir. */
export interface LiveLeaf {
  /** The sort of object in a live tree. The Dirent's `kind` says whether it is a file, symlink, etc. */
  readonly sort: 'leaf';
  readonly id: number;
  /** Its name is ignored: the entry's key is the name. */
  dirent: LeafDirent;
  /** Set while the content is not in Blocks; takes precedence over the Dirent's Block. */
  unsynced?: UnsyncedContent | undefined;
  /** For a node with several names: its place in an inode table. */
  hard?: HardLinks | undefined;
  /** For a held node with one name: its place; undefined once it is removed. */
  home?: NodePlace | undefined;
  /** How often it is held. While it is held, looking up its name returns this object. */
  holds?: number;
  /** It has lost names, and caches may still have them. */
  hasLost?: boolean;
}

/** The additional data of a hard-linked node. */
export interface HardLinks {
  scope: InodeScope;
  uuid: string;
  /** Number of its names. */
  nlink: number;
  /**
   * For a node that was linked in this session: some of its names, at their present places. The first is the original name, which a
   * kernel may have cached when it was the only one.
   */
  known?: NodePlace[];
  /** It stays in its table though it should have one name, because that name was not found. */
  isKept?: boolean;
}

/** A leaf in an inode table. */
export type HardLeaf = LiveLeaf & { hard: HardLinks };

/** A name of a hard-linked node. */
export interface LinkName {
  readonly sort: 'link';
  readonly uuid: string;
}

/** Marks a removed entry in an overlay. */
export interface RemovedName {
  readonly sort: 'removed';
}

/** The only value of its type. */
export const REMOVED: RemovedName = { sort: 'removed' };

/**
 * A Dir of a live tree: the entries of its stored Block, and an overlay with changes. So memory is proportional to
 * the changes, not to the Dir.
 */
export class LiveDir {
  readonly sort = 'dir';
  readonly id: number;
  parent: LiveDir | undefined;
  name: Octets;
  /** As last stored, except its meta and salt, which are up to date. Its name is ignored. */
  dirent: DirDirent;
  /** Differences from the entries of `dirent.block`, and Dirs in use. */
  readonly overlay = new Map<Octets, LiveDir | LiveLeaf | LinkName | RemovedName>();
  /** The inode table, if this Dir has one; the root always does. */
  scope: InodeScope | undefined;
  /** The Block or the inode table has to be written; then all Dirs above are stale too. */
  stale = false;
  /** Number of Dirs in it, if known: for a new Dir, and once all its entries were listed. */
  subdirs: number | undefined;
  /** It was removed from its parent. */
  gone = false;
  /** How often it is held; see {@link LiveLeaf}. */
  holds = 0;
  /** Names that were left out when it was last written: they only exist in the overlay. */
  unstored: ReadonlySet<Octets> | undefined;

  constructor(id: number, parent: LiveDir | undefined, name: Octets, dirent: DirDirent) {
    this.id = id;
    this.parent = parent;
    this.name = name;
    this.dirent = dirent;
    this.subdirs = dirent.block.span === 0 ? 0 : undefined;
  }

  /** Notes that this Dir, and thus every Dir above, has to be written. */
  markStale(): void {
    for (let dir: LiveDir | undefined = this; dir !== undefined && !dir.stale; dir = dir.parent) dir.stale = true;
  }

  /** Whether an entry that equals the stored one may be dropped from the overlay. */
  isStored(name: Octets): boolean {
    return !this.stale && this.unstored?.has(name) !== true;
  }

  /** The path of this Dir. */
  path(): TreePath {
    const names: Octets[] = [];
    for (let dir: LiveDir = this; dir.parent !== undefined; dir = dir.parent) names.push(dir.name);
    return pathOf(names.reverse());
  }

  /** Whether this Dir is `other` or below it. */
  isWithin(other: LiveDir): boolean {
    for (let dir: LiveDir | undefined = this; dir !== undefined; dir = dir.parent) if (dir === other) return true;
    return false;
  }

  /** Whether there may be names of hard links below. Names that are left out of the Store are not counted, so they count as possible. */
  mayHoldLinks(): boolean {
    if (this.stale || linksWithin(this.dirent) > 0 || (this.unstored?.size ?? 0) > 0) return true;
    for (const node of this.overlay.values()) if (node.sort === 'dir' && node.mayHoldLinks()) return true;
    return false;
  }
}

/** An unresolved entry of a Dir: names of hard links are not resolved, stored Dirs are not opened. */
export interface RawEntry {
  readonly name: Octets;
  readonly entry: LiveDir | LiveLeaf | LinkName | { readonly sort: 'stored'; readonly dirent: DirDirent };
}

/** Whether an entry is a Dir. */
export function isDirEntry(entry: RawEntry['entry']): boolean {
  return entry.sort === 'dir' || entry.sort === 'stored';
}

/** Makes the entry of a stored Dirent. */
export function storedEntry(dir: LiveDir, dirent: Dirent): RawEntry['entry'] {
  if (dirent.kind === 'dir') return { sort: 'stored', dirent };
  if (dirent.kind === 'indirect') return { sort: 'link', uuid: dirent.uuid };
  return { sort: 'leaf', id: entryId(dir.id, dirent.name), dirent };
}

/** Finds the entry with a name, or undefined. */
export async function findEntry(
  reader: DirReader,
  dir: LiveDir,
  name: Octets,
  options?: OpOptions,
): Promise<RawEntry['entry'] | undefined> {
  const over = dir.overlay.get(name);
  if (over !== undefined) return over.sort === 'removed' ? undefined : over;
  const dirent = await reader.find(dir.dirent.block, name, options);
  if (dirent === undefined) return undefined;
  // The Dir may have been opened meanwhile.
  const now = dir.overlay.get(name);
  return now !== undefined && now.sort !== 'removed' ? now : storedEntry(dir, dirent);
}

/** As {@link findEntry}, if nothing has to be read; else null. */
export function findEntryNow(reader: DirReader, dir: LiveDir, name: Octets): RawEntry['entry'] | undefined | null {
  const over = dir.overlay.get(name);
  if (over !== undefined) return over.sort === 'removed' ? undefined : over;
  const dirent = reader.findNow(dir.dirent.block, name);
  return dirent === undefined || dirent === null ? dirent : storedEntry(dir, dirent);
}

/**
 * Yields the entries of a Dir, sorted by name, as they arrive: those of its Block with the overlay, both as they are
 * at the time of the call.
 */
export function entriesOf(reader: DirReader, dir: LiveDir, options?: OpOptions): AsyncIterable<RawEntry> {
  return mergeEntries(dir, reader.batches(dir.dirent.block, options), sortedOverlay(dir));
}

/** As {@link entriesOf}, in batches: an await for each entry takes longer than the entry itself. */
export function entryBatchesOf(reader: DirReader, dir: LiveDir, options?: OpOptions): AsyncIterable<RawEntry[]> {
  return mergeBatches(dir, reader.batches(dir.dirent.block, options), sortedOverlay(dir));
}

/** As {@link entriesOf}, synchronously if nothing has to be read; else undefined. */
export function entriesNow(reader: DirReader, dir: LiveDir): RawEntry[] | undefined {
  const stored = reader.decodedNow(dir.dirent.block);
  if (stored === undefined) return undefined;
  const merge = new OverlayMerge(dir, sortedOverlay(dir));
  const entries = merge.next(stored.values());
  for (const entry of merge.rest()) entries.push(entry);
  return entries;
}

type OverlayEntry = readonly [Octets, LiveDir | LiveLeaf | LinkName | RemovedName];

function sortedOverlay(dir: LiveDir): OverlayEntry[] {
  return [...dir.overlay].sort((a, b) => compareOctets(a[0], b[0]));
}

async function* mergeEntries(dir: LiveDir, stored: AsyncIterable<Dirent[]>, over: readonly OverlayEntry[]): AsyncGenerator<RawEntry> {
  for await (const batch of mergeBatches(dir, stored, over)) yield* batch;
}

async function* mergeBatches(dir: LiveDir, stored: AsyncIterable<Dirent[]>, over: readonly OverlayEntry[]): AsyncGenerator<RawEntry[]> {
  const merge = new OverlayMerge(dir, over);
  for await (const batch of stored) yield merge.next(batch);
  yield merge.rest();
}

/** Merges an overlay with the entries of a Block, in the order of names. */
class OverlayMerge {
  readonly #dir: LiveDir;
  readonly #over: readonly OverlayEntry[];
  #next = 0;

  constructor(dir: LiveDir, over: readonly OverlayEntry[]) {
    this.#dir = dir;
    this.#over = over;
  }

  /** The merged entries up to the last one of a batch. */
  next(batch: Iterable<Dirent>): RawEntry[] {
    const over = this.#over;
    const entries: RawEntry[] = [];
    for (const dirent of batch) {
      let replaced = false;
      for (let item = over[this.#next]; item !== undefined && item[0] <= dirent.name; item = over[this.#next]) {
        this.#next++;
        replaced = item[0] === dirent.name;
        if (item[1].sort !== 'removed') entries.push({ name: item[0], entry: item[1] });
      }
      if (!replaced) entries.push({ name: dirent.name, entry: storedEntry(this.#dir, dirent) });
    }
    return entries;
  }

  /** The overlay entries after the end of the Block. */
  rest(): RawEntry[] {
    const entries: RawEntry[] = [];
    for (let item = this.#over[this.#next]; item !== undefined; item = this.#over[this.#next]) {
      this.#next++;
      if (item[1].sort !== 'removed') entries.push({ name: item[0], entry: item[1] });
    }
    return entries;
  }
}

/**
 * Number of names of hard links in a stored Dir and below. A Dir with an inode table but no count, as the Python vt's root,
 * counts as having one, so that walkers look into it.
 */
export function linksWithin(dirent: DirDirent): number {
  return dirent.links ?? (dirent.inodes === undefined ? 0 : 1);
}
