import { throwIfCancelled, VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsToText } from '../base/octets.ts';
import { sameBlock } from '../block/block.ts';
import type { BlockSource } from '../block/block-source.ts';
import type { DirDirent, Dirent, IndirectDirent } from '../dirent/dirent.ts';
import { sameContent, sameMeta, sameOptionalBlock } from '../dirent/dirent-compare.ts';
import { DirReader } from './dir-reader.ts';
import { linksWithin } from './live/live-node.ts';
import type { TreePath } from './path.ts';
import { joinPath, ROOT_PATH } from './path.ts';

type NodeDirent = Exclude<Dirent, IndirectDirent>;

/** A difference of two trees. Of a Dir only its own metadata counts as a change of it. */
export type DiffItem =
  | { readonly kind: 'added'; readonly path: TreePath; readonly after: NodeDirent }
  | { readonly kind: 'removed'; readonly path: TreePath; readonly before: NodeDirent }
  | {
      readonly kind: 'changed';
      readonly path: TreePath;
      readonly before: NodeDirent;
      readonly after: NodeDirent;
      readonly content: boolean;
      readonly meta: boolean;
      /** The name may mean another hard-linked node; given where it is asked for. */
      readonly links: boolean;
    };

export interface DiffOptions {
  readonly signal?: AbortSignal | undefined;
  /** Where both stand; default the root. */
  readonly path?: TreePath;
  /** Give what is in a Dir that was added or removed as well; default true. */
  readonly below?: boolean;
  /** Give names as changed that may mean another hard-linked node, though all else is the same; default false. */
  readonly links?: boolean;
}

interface Side {
  readonly dirent: DirDirent;
  readonly entries: AsyncIterator<Dirent>;
  head: Dirent | undefined;
}

type Which = 'before' | 'after';

/** An entry of a side, as the node that it means. */
interface Taken {
  readonly dirent: NodeDirent;
  /** Which node that is, of those that have several names; the Dirent's own uuid does not tell the table. */
  readonly node: string | undefined;
}

interface Frame {
  readonly path: TreePath;
  readonly before: Side | undefined;
  readonly after: Side | undefined;
  readonly parent: Frame | undefined;
  /** The two have other inode tables, here or above: names that are the same may mean nodes that are not. */
  readonly tablesDiffer: boolean;
}

/**
 * The differences of two self-contained Dirents, by path, as their Blocks arrive. Dirs of the same Blocks are passed
 * over unread. A thing that became another kind is removed and added. Names of hard links count as their nodes.
 *
 * @param before - undefined: all of `after` is added
 * @param after - undefined: all of `before` is removed
 */
export async function* diffDirents(
  source: BlockSource,
  before: NodeDirent | undefined,
  after: NodeDirent | undefined,
  options: DiffOptions = {},
): AsyncGenerator<DiffItem> {
  yield* new Diff(source, options).run(before, after);
}

class Diff {
  readonly #reader: DirReader;
  readonly #options: DiffOptions;
  #frame: Frame | undefined;

  constructor(source: BlockSource, options: DiffOptions) {
    this.#reader = new DirReader(source);
    this.#options = options;
  }

  async *run(before: NodeDirent | undefined, after: NodeDirent | undefined): AsyncGenerator<DiffItem> {
    yield* await this.#compare(this.#options.path ?? ROOT_PATH, taken(before), taken(after));
    try {
      while (this.#frame !== undefined) {
        throwIfCancelled(this.#options.signal);
        const frame: Frame = this.#frame;
        const a = frame.before?.head;
        const b = frame.after?.head;
        if (a === undefined && b === undefined) {
          this.#frame = frame.parent;
          continue;
        }
        const name = a === undefined || (b !== undefined && b.name < a.name) ? (b?.name ?? ('' as Octets)) : a.name;
        const path = joinPath(frame.path, name);
        const first = a?.name === name ? await this.#take(frame, 'before', path) : undefined;
        const second = b?.name === name ? await this.#take(frame, 'after', path) : undefined;
        yield* await this.#compare(path, first, second);
      }
    } finally {
      for (let frame = this.#frame; frame !== undefined; frame = frame.parent) {
        await frame.before?.entries.return?.();
        await frame.after?.entries.return?.();
      }
    }
  }

  /** The next entry of a side, as the node that it means. */
  async #take(frame: Frame, which: Which, path: TreePath): Promise<Taken | undefined> {
    const side = frame[which];
    const dirent = side?.head;
    if (side === undefined || dirent === undefined) return undefined;
    await advance(side);
    if (dirent.kind !== 'indirect') return taken(dirent);
    for (let at: Frame | undefined = frame; at !== undefined; at = at.parent) {
      const inodes = at[which]?.dirent.inodes;
      const node = inodes === undefined ? undefined : await this.#reader.find(inodes, dirent.uuid as Octets, this.#options);
      if (node === undefined || node.kind === 'indirect') continue;
      return { dirent: { ...node, name: dirent.name }, node: `${at.path} ${dirent.uuid}` };
    }
    throw new VtError('ECORRUPT', `look up "${octetsToText(path)}": no inode table has its node ${dirent.uuid}`);
  }

  async #compare(path: TreePath, first: Taken | undefined, second: Taken | undefined): Promise<DiffItem[]> {
    const before = first?.dirent;
    const after = second?.dirent;
    if (before === undefined || after === undefined || before.kind !== after.kind) {
      const items: DiffItem[] = [];
      if (before !== undefined) items.push({ kind: 'removed', path, before });
      if (after !== undefined) items.push({ kind: 'added', path, after });
      const isTop = this.#frame === undefined;
      if (isTop || this.#options.below !== false) await this.#enter(path, dirOf(before), dirOf(after));
      return items;
    }
    const meta = !sameMeta(before, after);
    if (before.kind === 'dir' && after.kind === 'dir') {
      if (this.#mayDiffer(before, after)) await this.#enter(path, before, after);
      return meta ? [{ kind: 'changed', path, before, after, content: false, meta, links: false }] : [];
    }
    const content = !sameContent(before, after);
    const links = this.#options.links === true && first?.node !== second?.node;
    return meta || content || links ? [{ kind: 'changed', path, before, after, content, meta, links }] : [];
  }

  #mayDiffer(before: DirDirent, after: DirDirent): boolean {
    if (!sameBlock(before.block, after.block)) return true;
    const tablesDiffer = this.#frame?.tablesDiffer === true || !sameOptionalBlock(before.inodes, after.inodes);
    return tablesDiffer && linksWithin(before) > 0;
  }

  async #enter(path: TreePath, before: DirDirent | undefined, after: DirDirent | undefined): Promise<void> {
    if (before === undefined && after === undefined) return;
    const parent = this.#frame;
    const tablesDiffer = parent?.tablesDiffer === true || !sameOptionalBlock(before?.inodes, after?.inodes);
    this.#frame = { path, parent, tablesDiffer, before: await this.#open(before), after: await this.#open(after) };
  }

  async #open(dirent: DirDirent | undefined): Promise<Side | undefined> {
    if (dirent === undefined) return undefined;
    const entries = this.#reader.entries(dirent.block, { signal: this.#options.signal })[Symbol.asyncIterator]();
    const side: Side = { dirent, entries, head: undefined };
    await advance(side);
    return side;
  }
}

async function advance(side: Side): Promise<void> {
  const next = await side.entries.next();
  side.head = next.done === true ? undefined : next.value;
}

function taken(dirent: NodeDirent): Taken;
function taken(dirent: NodeDirent | undefined): Taken | undefined;
function taken(dirent: NodeDirent | undefined): Taken | undefined {
  return dirent && { dirent, node: undefined };
}

function dirOf(dirent: NodeDirent | undefined): DirDirent | undefined {
  return dirent?.kind === 'dir' ? dirent : undefined;
}
