import { ParseError, throwIfCancelled, VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { Block } from '../block/block.ts';
import type { BlockSink } from '../block/block-sink.ts';
import type { BlockSource } from '../block/block-source.ts';
import { readBlockBytes } from '../block/read-range.ts';
import { TreeCopier } from '../block/tree-copy.ts';
import { leavesOf } from '../block/tree-walk.ts';
import type { DirOptions } from './dir-codec.ts';
import { DirWriter } from './dir-codec.ts';
import { decodeLeaf } from './dir-records.ts';
import type { Dirent } from './dirent.ts';

/** Dirs of up to this many bytes are written as a whole, which is as fast. */
const MIN_UPDATED_SIZE = 64 * 1024;

/** A Dir with fewer bytes per change is written as a whole, because each change searches its leaf by bisection. */
const MIN_SIZE_PER_CHANGE = 256 * 1024;

/** A change of one name in a Dir. */
export interface DirChange {
  readonly name: Octets;
  /** The new entry; undefined to remove the name. */
  readonly dirent: Dirent | undefined;
}

/** The result of changing entries of a Dir. */
export interface UpdatedDir {
  readonly block: Block;
  /** The old entries that were removed or replaced. */
  readonly replaced: readonly Dirent[];
}

export interface DirUpdateOptions extends OpOptions, DirOptions {
  /** The source of superblocks; default `source`. It should cache some. */
  readonly superblocks?: BlockSource;
}

/**
 * Writes a large Dir with some entries changed. Leaves with changes are written anew, up to the next edge that both Dirs have. Other leaves
 * are
 * copied unread. The Block is the same as if all entries were encoded.
 *
 * @param changes - ascending by name, each name once
 * @returns undefined if the Dir must be encoded as a whole: it is empty, or its leaves are not ours or have other salt
 * @throws {MissingBlockError} and {CorruptBlockError} as the source
 */
export async function updateDir(
  source: BlockSource,
  sink: BlockSink,
  block: Block,
  changes: readonly DirChange[],
  options: DirUpdateOptions = {},
): Promise<UpdatedDir | undefined> {
  if (block.span === 0) return undefined;
  try {
    return await new DirUpdate(source, sink, block, changes, options).run();
  } catch (error) {
    // RangeError: leaves that are parts of Blocks, or names that do not ascend from one leaf to the next.
    if (error instanceof ParseError || error instanceof ForeignLeafError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Whether updating a Dir is faster than writing it as a whole. @param changes - the number of changes */
export function isUpdatable(block: Block, changes: number): boolean {
  return changes > 0 && block.span > MIN_UPDATED_SIZE && changes * MIN_SIZE_PER_CHANGE <= block.span;
}

/** A leaf that our encoder did not make. */
class ForeignLeafError extends VtError {
  constructor() {
    super('EUNSUPPORTED', 'update Dir: a leaf of another encoder');
  }
}

/** One leaf, with at least one entry. Offsets are bytes in the Dir. */
interface DirLeaf {
  readonly start: number;
  readonly end: number;
  readonly entries: readonly Dirent[];
  readonly firstName: Octets;
  readonly lastName: Octets;
}

class DirUpdate {
  readonly #source: BlockSource;
  readonly #superblocks: BlockSource;
  readonly #block: Block;
  readonly #changes: readonly DirChange[];
  readonly #options: DirUpdateOptions;
  readonly #writer: DirWriter;
  readonly #replaced: Dirent[] = [];
  /** The number of changes written so far. */
  #done = 0;
  /** The offset in the old Dir up to which all is written or copied; a leaf begins there. */
  #at = 0;

  constructor(source: BlockSource, sink: BlockSink, block: Block, changes: readonly DirChange[], options: DirUpdateOptions) {
    this.#source = source;
    this.#superblocks = options.superblocks ?? source;
    this.#block = block;
    this.#changes = changes;
    this.#options = options;
    this.#writer = new DirWriter(sink, options);
  }

  async run(): Promise<UpdatedDir> {
    const { signal } = this.#options;
    const old = await TreeCopier.open(this.#superblocks, this.#block, { signal });
    for (let change = this.#changes[this.#done]; change !== undefined; change = this.#changes[this.#done]) {
      throwIfCancelled(signal);
      const found = await this.#leafFor(change.name);
      // The leaf before may have ended because this leaf's first entry did not fit. If that entry changes, the leaf before changes, too.
      const first = change.name <= found.firstName && found.start > this.#at ? await this.#leafAt(found.start - 1) : found;
      await this.#writer.copyLeaves(old, this.#at, first.start);
      this.#at = first.start;
      await this.#rewrite(first, found.end);
    }
    await this.#writer.copyLeaves(old, this.#at, this.#block.span);
    return { block: this.#writer.finish(), replaced: this.#replaced };
  }

  /** Writes leaves from `first` on, at least up to `until`, with their changes. Ends at an edge, or at the end. */
  async #rewrite(first: DirLeaf, until: number): Promise<void> {
    const { span } = this.#block;
    let leaf = first;
    for (;;) {
      const isLast = leaf.end >= span;
      for (const entry of leaf.entries) this.#write(entry);
      this.#at = leaf.end;
      if (isLast) {
        this.#writeChanges(undefined);
        return;
      }
      if (leaf.end >= until && this.#writer.isAtEdge) return;
      leaf = await this.#leafAt(leaf.end);
      const change = this.#changes[this.#done];
      const goesOn = leaf.start < until || (change !== undefined && change.name <= leaf.firstName);
      const [entry] = leaf.entries;
      // The leaf ends here because the next entry does not fit, in the new Dir as in the old.
      if (!goesOn && entry !== undefined && this.#writer.endBefore(entry)) return;
    }
  }

  #write(entry: Dirent): void {
    this.#writeChanges(entry.name);
    const change = this.#changes[this.#done];
    if (change?.name !== entry.name) {
      this.#writer.add(entry);
      return;
    }
    this.#replaced.push(entry);
    this.#done++;
    if (change.dirent !== undefined) this.#writer.add(change.dirent);
  }

  /** Writes the new entries before a name, or all that remain. */
  #writeChanges(before: Octets | undefined): void {
    for (let change = this.#changes[this.#done]; change !== undefined; change = this.#changes[this.#done]) {
      if (before !== undefined && change.name >= before) return;
      if (change.dirent !== undefined) this.#writer.add(change.dirent);
      this.#done++;
    }
  }

  /** Of the leaves not yet written, the first that has a name of at least `name`, or the last leaf. */
  async #leafFor(name: Octets): Promise<DirLeaf> {
    let low = this.#at;
    let high = this.#block.span;
    let found: DirLeaf | undefined;
    while (low < high) {
      const leaf = await this.#leafAt(Math.floor((low + high) / 2));
      if (name > leaf.lastName && leaf.end < this.#block.span) low = leaf.end;
      else {
        found = leaf;
        if (name >= leaf.firstName) break;
        high = leaf.start;
      }
    }
    return found ?? (await this.#leafAt(this.#block.span - 1));
  }

  /** The leaf that contains a byte. */
  async #leafAt(at: number): Promise<DirLeaf> {
    const { signal, salt } = this.#options;
    for await (const leaf of leavesOf(this.#superblocks, this.#block, { start: at, end: at + 1, signal })) {
      const start = leaf.start - leaf.from;
      const entries = decodeLeaf(await readBlockBytes(this.#source, leaf.block, { signal }), salt);
      const [first] = entries ?? [];
      const last = entries?.at(-1);
      if (entries === undefined || first === undefined || last === undefined) break;
      return { start, end: start + leaf.block.span, entries, firstName: first.name, lastName: last.name };
    }
    throw new ForeignLeafError();
  }
}
