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

/** A Dirent of a node that is no Dir. */
export type LeafDirent = Exclude<Dirent, DirDirent | IndirectDirent>;

/** A file's content that is not in Blocks yet: a front file of a mount. */
export interface UnsyncedContent {
  /** Octets now. */
  readonly size: number;
  /** Whether the last `settle` gave the content as it is now. */
  readonly isSettled: boolean;
  /** Octets `start` to `end`; a chunk is valid until the next is asked for. */
  read(start: number, end: number, options?: OpOptions): AsyncIterable<Uint8Array>;
  /** Adds the content to the Store and gives its Block: what `sync` records. Changes after that need a new call. */
  settle(options?: OpOptions): Promise<Block>;
}

/** Where a name of a node is. */
export interface NodePlace {
  readonly dir: LiveDir;
  readonly name: Octets;
}

/** A node that is no Dir, as the live tree holds it. */
export interface LiveLeaf {
  /** How the live tree holds what a name has. What the node is, a file or a symlink, its Dirent's `kind` tells. */
  readonly sort: 'leaf';
  readonly id: number;
  /** Its name is of no account: the entry's key counts. */
  dirent: LeafDirent;
  /** Present while the content has yet to be settled; wins over the Dirent's Block. */
  unsynced?: UnsyncedContent | undefined;
  /** Of a node with several names: where it stands in an inode table. */
  hard?: HardLinks | undefined;
  /** Of a node with one name that somebody holds: where it stands; undefined once it is removed. */
  home?: NodePlace | undefined;
  /** How often it is held: as long as it is, every look at its name gives this very node. */
  holds?: number;
  /** It has lost names, and caches may not know that yet. */
  hasLost?: boolean;
}

/** What a hard-linked node is besides. */
export interface HardLinks {
  scope: InodeScope;
  uuid: string;
  /** Names of it. */
  nlink: number;
  /**
   * Of one that was linked here: some of its names, wherever they are now. The first is the one that it had before, which a kernel may remember
   * from when it was the only one.
   */
  known?: NodePlace[];
  /** It stays in its table though it has one name, for that name was looked for and is not to be found. */
  isKept?: boolean;
}

/** A leaf in an inode table. */
export type HardLeaf = LiveLeaf & { hard: HardLinks };

/** One name of a hard-linked node. */
export interface LinkName {
  readonly sort: 'link';
  readonly uuid: string;
}

/** Marks a removed entry in an overlay. */
export interface RemovedName {
  readonly sort: 'removed';
}

/** The one value of its type. */
export const REMOVED: RemovedName = { sort: 'removed' };

/**
 * A Dir of a live tree: the entries of its stored Block, with what changed laid over them, so that memory goes with
 * the changes and not with the Dir.
 */
export class LiveDir {
  readonly sort = 'dir';
  readonly id: number;
  parent: LiveDir | undefined;
  name: Octets;
  /** As last stored, but for its meta and salt, which are up to date. Its name is of no account. */
  dirent: DirDirent;
  /** What differs from the entries of `dirent.block`, and the Dirs in use. */
  readonly overlay = new Map<Octets, LiveDir | LiveLeaf | LinkName | RemovedName>();
  /** The inode table, where this Dir has one; the root always has. */
  scope: InodeScope | undefined;
  /** The Block or the inode table is to be written; then so are those of all Dirs above. */
  stale = false;
  /** How many Dirs stand in it, where that is known: it is from its making on, and once all its entries were listed. */
  subdirs: number | undefined;
  /** Removed from its parent. */
  gone = false;
  /** How often it is held; see {@link LiveLeaf}. */
  holds = 0;
  /** Names that were left out when it was written last: they are nowhere but in the overlay. */
  unstored: ReadonlySet<Octets> | undefined;

  constructor(id: number, parent: LiveDir | undefined, name: Octets, dirent: DirDirent) {
    this.id = id;
    this.parent = parent;
    this.name = name;
    this.dirent = dirent;
    this.subdirs = dirent.block.span === 0 ? 0 : undefined;
  }

  /** Notes that this Dir, and so every Dir above, is to be written. */
  markStale(): void {
    for (let dir: LiveDir | undefined = this; dir !== undefined && !dir.stale; dir = dir.parent) dir.stale = true;
  }

  /** Whether an entry that is as its Block says may be forgotten. */
  isStored(name: Octets): boolean {
    return !this.stale && this.unstored?.has(name) !== true;
  }

  /** Where this Dir is. */
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

  /** Whether there may be names of hard links below: those that are left out of what is stored are counted nowhere. */
  mayHoldLinks(): boolean {
    if (this.stale || linksWithin(this.dirent) > 0 || (this.unstored?.size ?? 0) > 0) return true;
    for (const node of this.overlay.values()) if (node.sort === 'dir' && node.mayHoldLinks()) return true;
    return false;
  }
}

/** An entry as its Dir has it: names of hard links are not resolved, stored Dirs not opened. */
export interface RawEntry {
  readonly name: Octets;
  readonly entry: LiveDir | LiveLeaf | LinkName | { readonly sort: 'stored'; readonly dirent: DirDirent };
}

/** Whether an entry is a Dir. */
export function isDirEntry(entry: RawEntry['entry']): boolean {
  return entry.sort === 'dir' || entry.sort === 'stored';
}

/** The entry of a stored Dirent. */
export function storedEntry(dir: LiveDir, dirent: Dirent): RawEntry['entry'] {
  if (dirent.kind === 'dir') return { sort: 'stored', dirent };
  if (dirent.kind === 'indirect') return { sort: 'link', uuid: dirent.uuid };
  return { sort: 'leaf', id: entryId(dir.id, dirent.name), dirent };
}

/** The entry of a name, or undefined. */
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
  // Somebody may have opened that Dir meanwhile.
  const now = dir.overlay.get(name);
  return now !== undefined && now.sort !== 'removed' ? now : storedEntry(dir, dirent);
}

/** As {@link findEntry}, where nothing has to be read for it; else null. */
export function findEntryNow(reader: DirReader, dir: LiveDir, name: Octets): RawEntry['entry'] | undefined | null {
  const over = dir.overlay.get(name);
  if (over !== undefined) return over.sort === 'removed' ? undefined : over;
  const dirent = reader.findNow(dir.dirent.block, name);
  return dirent === undefined || dirent === null ? dirent : storedEntry(dir, dirent);
}

/**
 * The entries of a Dir, sorted by name, streaming: those of its Block as it was at the call, with the overlay of
 * that moment laid over them.
 */
export function entriesOf(reader: DirReader, dir: LiveDir, options?: OpOptions): AsyncIterable<RawEntry> {
  return mergeEntries(dir, reader.batches(dir.dirent.block, options), sortedOverlay(dir));
}

/** As {@link entriesOf}, as many at once as there are: an await for each entry takes longer than the entry itself. */
export function entryBatchesOf(reader: DirReader, dir: LiveDir, options?: OpOptions): AsyncIterable<RawEntry[]> {
  return mergeBatches(dir, reader.batches(dir.dirent.block, options), sortedOverlay(dir));
}

/** As {@link entriesOf}, all at once where nothing has to be waited for; else undefined. */
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

/** Lays an overlay over entries of a Block, in the order of their names. */
class OverlayMerge {
  readonly #dir: LiveDir;
  readonly #over: readonly OverlayEntry[];
  #next = 0;

  constructor(dir: LiveDir, over: readonly OverlayEntry[]) {
    this.#dir = dir;
    this.#over = over;
  }

  /** The entries up to the last of a batch. */
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

  /** Those after all of the Block. */
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
 * Names of hard links in a stored Dir and below. One with an inode table and no count, as the Python vt's root,
 * counts as holding one: that only makes walkers look.
 */
export function linksWithin(dirent: DirDirent): number {
  return dirent.links ?? (dirent.inodes === undefined ? 0 : 1);
}
