import { digestHex } from '../../core/block/hashcode.ts';
import { leavesOf } from '../../core/block/tree-walk.ts';
import type { TreeEntry } from '../../core/tree/tree.ts';
import type { TreeContext } from '../command.ts';
import type { Session } from '../session.ts';
import type { PassedDamage } from './damage.ts';
import { OutputTurns } from './output-turns.ts';

/** The sum of everything below a Dir. */
export interface ContentSum {
  bytes: number;
  /** Names, including those of Dirs. */
  items: number;
}

interface Level extends ContentSum {
  readonly entry: TreeEntry;
  readonly listing: AsyncIterator<TreeEntry>;
}

/** Computes the bytes that each file adds to a sum. A hard-linked file counts once; with `unique`, so does each stored Block. */
export class ContentMeter {
  readonly #session: Session;
  readonly #signal: AbortSignal;
  readonly #counted = new Set<number>();
  readonly #leaves: Set<string> | undefined;

  constructor({ session, signal }: Pick<TreeContext, 'session' | 'signal'>, unique: boolean) {
    this.#session = session;
    this.#signal = signal;
    this.#leaves = unique ? new Set() : undefined;
  }

  async measure(entry: TreeEntry): Promise<number> {
    const { dirent, nlink, id } = entry;
    if (dirent.kind !== 'file' || (nlink > 1 && this.#counted.has(id))) return 0;
    if (nlink > 1) this.#counted.add(id);
    if (this.#leaves === undefined) return entry.size;
    let bytes = 0;
    for await (const { block } of leavesOf(this.#session.tree.store, dirent.block, { signal: this.#signal })) {
      if (block.kind !== 'hash') continue;
      const key = digestHex(block.hashcode.digest);
      if (this.#leaves.has(key)) continue;
      this.#leaves.add(key);
      bytes += block.span;
    }
    return bytes;
  }
}

/**
 * Walks depth first and reports each Dir after its contents.
 *
 * @param measure - gives the bytes of a node other than a Dir
 * @param report - called with each Dir, its sum, and its depth; 0 for `top`
 */
export async function sumDirs(
  context: Pick<TreeContext, 'session' | 'output' | 'signal'>,
  damage: PassedDamage,
  top: TreeEntry,
  measure: (entry: TreeEntry) => Promise<number>,
  report: (entry: TreeEntry, sum: Readonly<ContentSum>, depth: number) => void,
): Promise<void> {
  const { session, signal } = context;
  const turns = new OutputTurns(context);
  const enter = (entry: TreeEntry): Level => ({
    entry,
    listing: damage.pass(session.tree.list(entry, { signal }), entry),
    bytes: 0,
    items: 0,
  });
  const open = [enter(top)];
  for (let level = open.at(-1); level !== undefined; level = open.at(-1)) {
    await turns.next();
    const { value, done } = await level.listing.next();
    if (done !== true) {
      level.items++;
      if (value.dirent.kind === 'dir') open.push(enter(value));
      else level.bytes += await measure(value);
      continue;
    }
    open.pop();
    report(level.entry, level, open.length);
    const parent = open.at(-1);
    if (parent !== undefined) {
      parent.bytes += level.bytes;
      parent.items += level.items;
    }
  }
}
