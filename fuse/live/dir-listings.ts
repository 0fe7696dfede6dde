import type { Block } from '../../core/block/block.ts';
import type { LiveDir, RawEntry } from '../../core/tree/live/live-node.ts';
import { isDirEntry } from '../../core/tree/live/live-node.ts';
import type { LiveNodes } from '../../core/tree/live/live-nodes.ts';

/** The entries of a Dir at one moment. Offsets in a listing contain its number, so they are valid for any handle. */
export interface DirListing {
  /** The Dir's id. */
  readonly dirId: number;
  readonly number: number;
  entries: RawEntry[];
  /** The entries not read yet. */
  more: AsyncIterator<RawEntry[]> | undefined;
  /** The reading in progress. */
  pending: Promise<void> | undefined;
  /** The Dir's Block at that time. */
  block: Block;
  /** The Dir had no unstored changes, so later listings of that Block can reuse this one. */
  isStored: boolean;
  subdirs: number;
  /** Open handles that read it last. */
  readers: number;
}

/** Limit of listing numbers. A number with a position below 2^32 is a safe integer. */
const MAX_NUMBER = 2 ** 20;

/** Listings without an open handle that are kept, at most: a kernel may still have their offsets in its cache. */
const MAX_IDLE = { listings: 1024, entries: 200_000 } as const;

/**
 * Octets of a Dir's entries up to which kernels may keep its listing: some 200,000 entries. A larger listing could not be
 * kept here as long as the kernel caches it.
 */
export const MAX_KEPT_LISTING_SIZE = 16 * 1024 * 1024;

/** The listings of one live filesystem that a kernel may ask to continue. */
export class DirListings {
  readonly #nodes: LiveNodes;
  /** In order of use, the most recent last. */
  readonly #byNumber = new Map<number, DirListing>();
  readonly #newest = new Map<number, DirListing>();
  #entries = 0;
  #lastNumber = 0;

  constructor(nodes: LiveNodes) {
    this.#nodes = nodes;
  }

  /** A listing of a Dir as it is now. */
  begin(dir: LiveDir): DirListing {
    const newest = this.#newest.get(dir.id);
    const isStored = !dir.stale && !this.#nodes.isRemoved(dir);
    if (isStored && newest?.isStored === true && newest.block === dir.dirent.block) return this.#used(newest);
    const listing = this.#read(dir, isStored);
    if (newest !== undefined && hasSameNames(newest, listing)) {
      // Its offsets stay valid: only the nodes of the names have changed.
      newest.entries = listing.entries;
      newest.block = listing.block;
      newest.isStored = isStored;
      return this.#used(newest);
    }
    this.#byNumber.set(listing.number, listing);
    this.#newest.set(dir.id, listing);
    this.#entries += listing.entries.length;
    this.#evict(listing);
    return listing;
  }

  /** The listing of this number, if it is a listing of this Dir and still kept. */
  find(dir: LiveDir, number: number): DirListing | undefined {
    const listing = this.#byNumber.get(number);
    return listing?.dirId === dir.id ? this.#used(listing) : undefined;
  }

  /**
   * Reads on until the listing has an entry with this index, or ends.
   *
   * @throws what the Store throws; the listing then fails for all its readers, and the next listing starts over
   */
  async readOn(dir: LiveDir, listing: DirListing, index: number): Promise<void> {
    while (listing.entries.length <= index && listing.more !== undefined) {
      listing.pending ??= this.#readBatch(dir, listing, listing.more);
      await listing.pending;
    }
  }

  async #readBatch(dir: LiveDir, listing: DirListing, more: AsyncIterator<RawEntry[]>): Promise<void> {
    try {
      const { value, done } = await more.next();
      listing.pending = undefined;
      if (done) {
        listing.more = undefined;
        // If nothing came or went meanwhile, the Dirs in it are counted now.
        if (dir.subdirs === undefined && !dir.stale && dir.dirent.block === listing.block) dir.subdirs = listing.subdirs;
        return;
      }
      for (const raw of value) {
        listing.entries.push(raw);
        if (isDirEntry(raw.entry)) listing.subdirs++;
      }
      if (this.#byNumber.get(listing.number) === listing) this.#entries += value.length;
    } catch (error) {
      // `pending` stays rejected: readers of this listing must not treat it as complete.
      if (this.#newest.get(listing.dirId) === listing) this.#newest.delete(listing.dirId);
      throw error;
    }
  }

  #read(dir: LiveDir, isStored: boolean): DirListing {
    const isRemoved = this.#nodes.isRemoved(dir);
    const entries = isRemoved ? [] : this.#nodes.entriesNow(dir);
    const more = entries === undefined ? this.#nodes.entryBatches(dir)[Symbol.asyncIterator]() : undefined;
    let subdirs = 0;
    for (const { entry } of entries ?? []) if (isDirEntry(entry)) subdirs++;
    if (entries !== undefined && !isRemoved && !dir.stale) dir.subdirs ??= subdirs;
    return {
      dirId: dir.id,
      number: this.#freeNumber(),
      entries: entries ?? [],
      more,
      pending: undefined,
      block: dir.dirent.block,
      isStored,
      subdirs,
      readers: 0,
    };
  }

  #freeNumber(): number {
    do this.#lastNumber = (this.#lastNumber + 1) % MAX_NUMBER;
    while (this.#byNumber.has(this.#lastNumber));
    return this.#lastNumber;
  }

  #used(listing: DirListing): DirListing {
    this.#byNumber.delete(listing.number);
    this.#byNumber.set(listing.number, listing);
    return listing;
  }

  #evict(newest: DirListing): void {
    if (this.#byNumber.size <= MAX_IDLE.listings && this.#entries <= MAX_IDLE.entries) return;
    for (const listing of this.#byNumber.values()) {
      if (listing.readers > 0 || listing === newest) continue;
      this.#byNumber.delete(listing.number);
      this.#entries -= listing.entries.length;
      if (this.#newest.get(listing.dirId) === listing) this.#newest.delete(listing.dirId);
      if (this.#byNumber.size <= MAX_IDLE.listings && this.#entries <= MAX_IDLE.entries) return;
    }
  }
}

/** Whether two listings that are read to their ends have the same names in the same order. */
function hasSameNames(one: DirListing, other: DirListing): boolean {
  if (one.more !== undefined || other.more !== undefined || one.entries.length !== other.entries.length) return false;
  return one.entries.every(({ name }, i) => name === other.entries[i]?.name);
}
