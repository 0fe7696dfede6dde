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

/** Dirs of up to this many bytes are as soon written whole. */
const MIN_UPDATED_SIZE = 64 * 1024;

/** Bytes of a Dir for each change, at least, below which all of it is written: a change finds its leaf by bisection. */
const MIN_SIZE_PER_CHANGE = 256 * 1024;

/** What becomes of a name in a Dir. */
export interface DirChange {
  readonly name: Octets;
  /** Undefined where the name is no more. */
  readonly dirent: Dirent | undefined;
}

/** A Dir with some entries changed. */
export interface UpdatedDir {
  readonly block: Block;
  /** The entries that are no more, or replaced. */
  readonly replaced: readonly Dirent[];
}

export interface DirUpdateOptions extends OpOptions, DirOptions {
  /** Where superblocks are read; default `source`. One that keeps a few serves well. */
  readonly superblocks?: BlockSource;
}

/**
 * Writes a large Dir with some of its entries changed. The leaves that hold them are written again, up to where edges are the same
 * again. The others are taken as they are. The Block is the same as encoding all entries gives.
 *
 * @param changes - ascending by name, each name once
 * @returns undefined where it has to be encoded as a whole: it is empty, or its leaves are not ours or have other salt
 * @throws {MissingBlockError} and {CorruptBlockError} as the source does
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
    // A RangeError: of leaves that are parts of Blocks, or names that do not ascend from one leaf to the next.
    if (error instanceof ParseError || error instanceof ForeignLeafError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Whether it pays to update a Dir rather than to write it whole. @param changes - how many */
export function isUpdatable(block: Block, changes: number): boolean {
  return changes > 0 && block.span > MIN_UPDATED_SIZE && changes * MIN_SIZE_PER_CHANGE <= block.span;
}

/** A leaf that our encoder would not have made so. */
class ForeignLeafError extends VtError {
  constructor() {
    super('EUNSUPPORTED', 'update Dir: a leaf of another encoder');
  }
}

/** Entries in one leaf, 1 or more. */
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
  /** Changes that are written. */
  #done = 0;
  /** Bytes of the old Dir that are written or copied; a leaf begins there. */
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
      // An edge may be there for want of room for the entry behind it: if that one changes, the leaf before it does too.
      const first = change.name <= found.firstName && found.start > this.#at ? await this.#leafAt(found.start - 1) : found;
      await this.#writer.copyLeaves(old, this.#at, first.start);
      this.#at = first.start;
      await this.#rewrite(first, found.end);
    }
    await this.#writer.copyLeaves(old, this.#at, this.#block.span);
    return { block: this.#writer.finish(), replaced: this.#replaced };
  }

  /** Writes leaves from `first` on, at least those up to `until`, with the changes among them; ends at an edge, or the end. */
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
      // The edge before it is one of those for want of room.
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

  /** Writes the entries that are new before a name, or at the end. */
  #writeChanges(before: Octets | undefined): void {
    for (let change = this.#changes[this.#done]; change !== undefined; change = this.#changes[this.#done]) {
      if (before !== undefined && change.name >= before) return;
      if (change.dirent !== undefined) this.#writer.add(change.dirent);
      this.#done++;
    }
  }

  /** The first leaf with a name not below `name`, or the last leaf; of those not yet written. */
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
