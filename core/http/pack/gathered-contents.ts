import { EventTurns } from '../../base/event-turns.ts';
import type { Block } from '../../block/block.ts';
import { hashByName } from '../../block/hash.ts';
import { ContentFetcher } from '../../export/content-fetcher.ts';
import { ContentPlanner } from '../../export/content-planner.ts';
import { canLocate, SegmentRows } from '../../export/segment-rows.ts';
import { SmallContents } from '../../export/small-contents.ts';
import { capability } from '../../store/capability.ts';
import type { Store } from '../../store/store.ts';

/** Bytes of a group, beside its last part: of one download, and of one among many. */
const MAX_GROUP_SIZE = 1024 * 1024;
const MIN_GROUP_SIZE = 64 * 1024;
/** Bytes of the groups of all downloads, about: their clients may be slow. */
const MAX_HELD_SIZE = 16 * 1024 * 1024;
/** Parts of a group, at most. */
const GROUP_PARTS = 1024;
/** Milliseconds of work until other requests have their turn. */
const TURN_MS = 5;

/** A part of a file that packs a Dir: a content, and what is before and after it. */
export interface PackedPart {
  /** Bytes before the content. */
  readonly before: number;
  /** Bytes of the content. */
  readonly size: number;
  /** Bytes after the content. */
  readonly after: number;
  /** The content, if all of it is wanted. */
  readonly block: Block | undefined;
}

/** A part in the memory of its group. */
export interface PlacedPart<Part> {
  readonly part: Part;
  /** The first byte of what is before its content. */
  readonly at: number;
  /** Bytes that its content has in the memory: all or none. */
  readonly room: number;
  /** Whether its content was read into the memory. Otherwise, the Store has to be asked for it. */
  isRead: boolean;
}

/** Parts that follow each other, in one memory. */
export interface PartGroup<Part> {
  /** Filled with the contents that were read; the bytes before and after contents are left to the caller. */
  readonly bytes: Buffer;
  readonly parts: readonly PlacedPart<Part>[];
}

/** Reads the contents of packed files, for all downloads of a server: the more there are, the smaller their groups. */
export class GatheredContents {
  readonly #readers = new Map<Store, { readonly contents: GroupContents; users: number }>();
  #users = 0;

  /**
   * Gives parts in groups, and reads the small contents of a group together: each by itself would take three times as long. Contents are
   * read to where they belong in the packed file.
   */
  async *groups<Part extends PackedPart>(
    store: Store,
    batches: AsyncIterable<readonly Part[]>,
    signal: AbortSignal,
  ): AsyncGenerator<PartGroup<Part>> {
    const contents = this.#enter(store);
    try {
      const turns = new EventTurns(TURN_MS);
      let group: PlacedPart<Part>[] = [];
      let size = 0;
      let limit = this.#groupSize();
      for await (const batch of batches) {
        for (const part of batch) {
          const room = part.block !== undefined && part.size <= limit ? part.size : 0;
          group.push({ part, at: size, room, isRead: false });
          size += part.before + room + part.after;
          // A content that is not read here follows its header without delay.
          if (room === part.size && size < limit && group.length < GROUP_PARTS) continue;
          const turn = turns.next(signal);
          if (turn !== undefined) await turn;
          yield await contents.read(group, size, signal);
          group = [];
          size = 0;
          limit = this.#groupSize();
        }
      }
      if (group.length > 0) yield await contents.read(group, size, signal);
    } finally {
      this.#leave(store);
    }
  }

  #groupSize(): number {
    return Math.max(MIN_GROUP_SIZE, Math.min(MAX_GROUP_SIZE, MAX_HELD_SIZE / this.#users));
  }

  #enter(store: Store): GroupContents {
    this.#users++;
    const reader = this.#readers.get(store) ?? { contents: new GroupContents(store), users: 0 };
    reader.users++;
    this.#readers.set(store, reader);
    return reader.contents;
  }

  /** The last one closes the files: what gc removes would take space as long as they are open. */
  #leave(store: Store): void {
    this.#users--;
    const reader = this.#readers.get(store);
    if (reader === undefined || --reader.users > 0) return;
    this.#readers.delete(store);
    reader.contents[Symbol.dispose]();
  }
}

/** Reads the small contents of groups, one group at a time but for what is fetched. */
class GroupContents implements Disposable {
  readonly #planner: ContentPlanner | undefined;
  readonly #fetcher: ContentFetcher | undefined;
  readonly #contents: SmallContents;
  readonly #digestSize: number;

  constructor(store: Store) {
    const hash = hashByName(store.hashName);
    if (canLocate(store)) this.#planner = new ContentPlanner(store);
    else if (capability(store, 'recordSource') !== undefined) this.#fetcher = new ContentFetcher(store);
    this.#contents = new SmallContents(hash);
    this.#digestSize = hash.digestSize;
  }

  async read<Part extends PackedPart>(parts: readonly PlacedPart<Part>[], size: number, signal: AbortSignal): Promise<PartGroup<Part>> {
    const bytes = Buffer.allocUnsafeSlow(size);
    const wanted: PlacedPart<Part>[] = [];
    const blocks: Block[] = [];
    for (const placed of parts) {
      if (placed.room === 0 || placed.part.block === undefined) continue;
      wanted.push(placed);
      blocks.push(placed.part.block);
    }
    if (blocks.length === 0) return { bytes, parts };
    const rows = new SegmentRows(this.#digestSize, 2 * blocks.length + 1);
    const ranges = this.#planner?.plan(blocks, rows) ?? (await this.#fetcher?.plan(blocks, rows, { signal })) ?? [];
    this.#contents.read(blocks, rows, ranges, {
      room: (index) => {
        const { at, part, room } = wanted[index] as PlacedPart<Part>;
        return bytes.subarray(at + part.before, at + part.before + room);
      },
      take: (index) => {
        (wanted[index] as PlacedPart<Part>).isRead = true;
      },
    });
    return { bytes, parts };
  }

  [Symbol.dispose](): void {
    this.#planner?.[Symbol.dispose]();
    this.#contents[Symbol.dispose]();
  }
}
