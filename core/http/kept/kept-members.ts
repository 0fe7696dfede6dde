import { RecentMap } from '../../base/recent-map.ts';
import type { TarMember } from '../tar/tar-header.ts';

/** Bytes of members that are kept, and of those of walks that have not ended. */
const MAX_SIZE = 32 * 1024 * 1024;
/** Bytes that a member takes beside its path and its extended attributes, about. */
const MEMBER_SIZE = 640;

type Batches = readonly (readonly TarMember[])[];

interface Kept {
  readonly batches: Batches;
  /** Bytes. */
  readonly size: number;
}

/**
 * The members of Dirs that are downloaded whole. A first walk gives the length of a tar or zip, and a second one its bytes. Clients that
 * resume a download, or fetch ranges side by side, walk again. Here the tree is decoded once for all of them.
 */
export class KeptMembers {
  readonly #maxSize: number;
  readonly #kept: RecentMap<string, Kept>;
  /** Bytes held by walks that have not ended. */
  #collected = 0;

  /** @param maxSize - bytes kept, and bytes that unfinished walks may hold; default 32 MiB */
  constructor(maxSize = MAX_SIZE) {
    this.#maxSize = maxSize;
    this.#kept = new RecentMap({ maxSize, sizeOf: ({ size }) => size });
  }

  /**
   * The members of a Dir, in batches.
   *
   * @param key - the same only for the same members
   * @param walk - walks the Dir; not called where its members are kept
   */
  async *members(key: string, walk: () => AsyncIterable<readonly TarMember[]>): AsyncGenerator<readonly TarMember[]> {
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      yield* kept.batches;
      return;
    }
    let batches: (readonly TarMember[])[] | undefined = [];
    let size = 0;
    try {
      for await (const batch of walk()) {
        const added = batch.reduce((sum, member) => sum + sizeOf(member), 0);
        if (batches !== undefined && this.#collected + added <= this.#maxSize) {
          batches.push(batch);
          size += added;
          this.#collected += added;
        } else if (batches !== undefined) {
          batches = undefined;
          this.#collected -= size;
          size = 0;
        }
        yield batch;
      }
      if (batches !== undefined) this.#kept.set(key, { batches, size });
    } finally {
      this.#collected -= size;
    }
  }
}

function sizeOf({ path, node, linkTo }: TarMember): number {
  let size = MEMBER_SIZE + path.length + (linkTo?.length ?? 0) + (node.kind === 'symlink' ? node.target.length : 0);
  for (const [name, value] of node.meta.xattrs ?? []) size += name.length + value.length;
  for (const { value } of node.unknown ?? []) size += value.length;
  return size;
}
