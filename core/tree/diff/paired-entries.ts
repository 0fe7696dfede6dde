import { ParseError } from '../../base/errors.ts';
import type { Octets } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { Block } from '../../block/block.ts';
import type { BlockSource } from '../../block/block-source.ts';
import type { ContentPart } from '../../block/differing-runs.ts';
import { differingRuns } from '../../block/differing-runs.ts';
import { readDir } from '../../dirent/dir-codec.ts';
import type { Dirent } from '../../dirent/dirent.ts';

/** The entries with the same name in two Dirs; one of them may be missing. */
export interface EntryPair {
  readonly before: Dirent | undefined;
  readonly after: Dirent | undefined;
}

/** The Blocks of two Dirs, and their sources. */
export interface DirPair {
  readonly sources: { readonly before: BlockSource; readonly after: BlockSource };
  readonly before: Block;
  readonly after: Block;
}

/** Pairs the entries of two listings by name; each must be sorted by name. */
export async function* pairEntries(
  before: AsyncIterable<Dirent>,
  after: AsyncIterable<Dirent>,
): AsyncGenerator<EntryPair, void, undefined> {
  const first = before[Symbol.asyncIterator]();
  const second = after[Symbol.asyncIterator]();
  try {
    let a = await next(first);
    let b = await next(second);
    while (a !== undefined || b !== undefined) {
      const name = a === undefined || (b !== undefined && b.name < a.name) ? b?.name : a.name;
      const pair: EntryPair = { before: a?.name === name ? a : undefined, after: b?.name === name ? b : undefined };
      yield pair;
      if (pair.before !== undefined) a = await next(first);
      if (pair.after !== undefined) b = await next(second);
    }
  } finally {
    await first.return?.();
    await second.return?.();
  }
}

async function next(entries: AsyncIterator<Dirent>): Promise<Dirent | undefined> {
  const { value, done } = await entries.next();
  return done === true ? undefined : value;
}

/**
 * Pairs the entries of two Dirs by name, without those in Blocks that both have. Equal entries may be among the pairs. For Dirs with
 * a million entries that differ in one, it reads two leaves and the superblocks above them.
 */
export async function* pairDifferingEntries(dirs: DirPair, options: OpOptions = {}): AsyncGenerator<EntryPair, void, undefined> {
  const { sources, before, after } = dirs;
  // In Dirs that we write, edges are between entries. In other Dirs they may not be: then read all entries after `last`.
  let last = '' as Octets;
  try {
    for await (const run of differingRuns(sources, before, after, options)) {
      const pairs = pairEntries(entriesOf(sources.before, run.before, options), entriesOf(sources.after, run.after, options));
      for await (const pair of pairs) {
        last = pair.before?.name ?? pair.after?.name ?? last;
        yield pair;
      }
    }
    return;
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
  }
  for await (const pair of pairEntries(readDir(sources.before, before, options), readDir(sources.after, after, options))) {
    if ((pair.before?.name ?? pair.after?.name ?? '') > last) yield pair;
  }
}

async function* entriesOf(source: BlockSource, parts: readonly ContentPart[], options: OpOptions): AsyncGenerator<Dirent, void, undefined> {
  for (const { block } of parts) yield* readDir(source, block, options);
}
