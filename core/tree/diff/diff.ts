import { throwIfCancelled, VtError } from '../../base/errors.ts';
import type { Octets } from '../../base/octets.ts';
import { octetsToText } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { Block } from '../../block/block.ts';
import { sameBlock } from '../../block/block.ts';
import type { BlockSource } from '../../block/block-source.ts';
import type { DirDirent, Dirent, FileDirent, IndirectDirent } from '../../dirent/dirent.ts';
import { sameContent, sameMeta, sameOptionalBlock } from '../../dirent/dirent-compare.ts';
import { DirReader } from '../dir-reader.ts';
import { linksWithin } from '../live/live-node.ts';
import type { TreePath } from '../path.ts';
import { joinPath, ROOT_PATH } from '../path.ts';
import type { EntryPair } from './paired-entries.ts';
import { pairDifferingEntries, pairEntries } from './paired-entries.ts';

/** A Dirent that is not just the name of a hard link. */
export type NodeDirent = Exclude<Dirent, IndirectDirent>;

/**
 * A difference of two trees. A Dir only counts as changed if its own metadata has changed. `tables` are the inode tables of the Dirs
 * above, the nearest first.
 */
export type DiffItem =
  | { readonly kind: 'added'; readonly path: TreePath; readonly after: NodeDirent; readonly tables: readonly Block[] }
  | { readonly kind: 'removed'; readonly path: TreePath; readonly before: NodeDirent; readonly tables: readonly Block[] }
  | {
      readonly kind: 'changed';
      readonly path: TreePath;
      readonly before: NodeDirent;
      readonly after: NodeDirent;
      readonly content: boolean;
      readonly meta: boolean;
      /** The name may refer to another hard-linked node; only with the option `links`. */
      readonly links: boolean;
    };

/** Options of a comparison. */
export interface DiffOptions {
  readonly signal?: AbortSignal | undefined;
  /** The path of both; default: the root. */
  readonly path?: TreePath;
  /** Include the contents of added and removed Dirs; default true. */
  readonly below?: boolean;
  /** Report names as changed that may refer to another hard-linked node, even if all else is equal; default false. */
  readonly links?: boolean;
  /** Whether the metadata counts as equal; default: if all of it is equal. */
  readonly sameMeta?: (before: NodeDirent, after: NodeDirent) => boolean;
  /** Whether two files with different references have the same content; default: no. */
  readonly sameFile?: (path: TreePath, before: FileDirent, after: FileDirent) => Promise<boolean>;
}

/** One side of a comparison. */
export interface DiffSide {
  /** The top of the tree; undefined if there is none. */
  readonly top: NodeDirent | undefined;
  /** Inode tables of the Dirs above it, the nearest first; none if it is self-contained. */
  readonly tables?: readonly Block[];
  /** The source of its Blocks. */
  readonly source: BlockSource;
  /** For a tree that is not stored: yields the entries of a Dir, sorted by name. */
  readonly list?: ((path: TreePath, options: OpOptions) => AsyncIterable<NodeDirent>) | undefined;
  /** For a tree that is not stored: reads the content of a file from an offset on. */
  readonly read?: ((path: TreePath, start: number, options: OpOptions) => AsyncIterable<Uint8Array>) | undefined;
}

type Which = 'before' | 'after';

/** An entry of a side, resolved to its node. */
interface Taken {
  readonly dirent: NodeDirent;
  /** Identifies a node with several names by table and uuid, since the uuid alone is ambiguous. */
  readonly node: string | undefined;
}

interface Frame {
  readonly path: TreePath;
  readonly before: DirDirent | undefined;
  readonly after: DirDirent | undefined;
  readonly pairs: AsyncGenerator<EntryPair, void, undefined>;
  readonly parent: Frame | undefined;
  /** The two Dirs have different inode tables, here or above, so that equal names may refer to different nodes. */
  readonly tablesDiffer: boolean;
}

/**
 * Yields the differences of two self-contained Dirents, by path, as their Blocks arrive. It skips Blocks that both have. A change
 * of kind is reported as a removal and an addition. Names of hard links count as their nodes.
 *
 * @param before - undefined if all of `after` is added
 * @param after - undefined if all of `before` is removed
 */
export async function* diffDirents(
  source: BlockSource,
  before: NodeDirent | undefined,
  after: NodeDirent | undefined,
  options: DiffOptions = {},
): AsyncGenerator<DiffItem> {
  yield* diffTrees({ top: before, source }, { top: after, source }, options);
}

/** As {@link diffDirents}, for trees from different sources. */
export async function* diffTrees(before: DiffSide, after: DiffSide, options: DiffOptions = {}): AsyncGenerator<DiffItem> {
  yield* new Diff({ before, after }, options).run();
}

class Diff {
  readonly #sides: Readonly<Record<Which, DiffSide>>;
  readonly #readers: Readonly<Record<Which, DirReader>>;
  readonly #options: DiffOptions;
  #frame: Frame | undefined;

  constructor(sides: Readonly<Record<Which, DiffSide>>, options: DiffOptions) {
    this.#sides = sides;
    const before = new DirReader(sides.before.source);
    this.#readers = { before, after: sides.after.source === sides.before.source ? before : new DirReader(sides.after.source) };
    this.#options = options;
  }

  async *run(): AsyncGenerator<DiffItem> {
    const { before, after } = this.#sides;
    yield* await this.#compare(this.#options.path ?? ROOT_PATH, taken(before.top), taken(after.top));
    try {
      while (this.#frame !== undefined) {
        throwIfCancelled(this.#options.signal);
        const frame: Frame = this.#frame;
        const { value: pair, done } = await frame.pairs.next();
        if (done === true) {
          this.#frame = frame.parent;
          continue;
        }
        const path = joinPath(frame.path, pair.before?.name ?? pair.after?.name ?? ('' as Octets));
        const first = await this.#take(frame, 'before', pair.before, path);
        const second = await this.#take(frame, 'after', pair.after, path);
        yield* await this.#compare(path, first, second);
      }
    } finally {
      for (let frame = this.#frame; frame !== undefined; frame = frame.parent) await frame.pairs.return();
    }
  }

  /** Resolves an entry of a side to its node. */
  async #take(frame: Frame, which: Which, dirent: Dirent | undefined, path: TreePath): Promise<Taken | undefined> {
    if (dirent?.kind !== 'indirect') return taken(dirent);
    for (const { table, owner } of this.#tables(which, frame)) {
      const node = await this.#readers[which].find(table, dirent.uuid as Octets, this.#options);
      if (node === undefined || node.kind === 'indirect') continue;
      return { dirent: { ...node, name: dirent.name }, node: `${owner} ${dirent.uuid}` };
    }
    throw new VtError('ECORRUPT', `look up "${octetsToText(path)}": no inode table has its node ${dirent.uuid}`);
  }

  /** The inode tables of a side from a Dir upwards, and the owner of each. */
  #tables(which: Which, frame: Frame | undefined): { readonly table: Block; readonly owner: string }[] {
    const tables: { readonly table: Block; readonly owner: string }[] = [];
    for (let at = frame; at !== undefined; at = at.parent) {
      const inodes = at[which]?.inodes;
      if (inodes !== undefined) tables.push({ table: inodes, owner: at.path });
    }
    for (const [i, table] of (this.#sides[which].tables ?? []).entries()) tables.push({ table, owner: `above ${i}` });
    return tables;
  }

  async #compare(path: TreePath, first: Taken | undefined, second: Taken | undefined): Promise<DiffItem[]> {
    const before = first?.dirent;
    const after = second?.dirent;
    if (before === undefined || after === undefined || before.kind !== after.kind) {
      const items: DiffItem[] = [];
      const tablesOf = (which: Which): Block[] => this.#tables(which, this.#frame).map(({ table }) => table);
      if (before !== undefined) items.push({ kind: 'removed', path, before, tables: tablesOf('before') });
      if (after !== undefined) items.push({ kind: 'added', path, after, tables: tablesOf('after') });
      const isTop = this.#frame === undefined;
      if (isTop || this.#options.below !== false) this.#enter(path, dirOf(before), dirOf(after));
      return items;
    }
    const meta = !(this.#options.sameMeta ?? sameMeta)(before, after);
    if (before.kind === 'dir' && after.kind === 'dir') {
      if (this.#mayDiffer(before, after)) this.#enter(path, before, after);
      return meta ? [{ kind: 'changed', path, before, after, content: false, meta, links: false }] : [];
    }
    const content = !(await this.#sameContent(path, before, after));
    const links = this.#options.links === true && first?.node !== second?.node;
    return meta || content || links ? [{ kind: 'changed', path, before, after, content, meta, links }] : [];
  }

  async #sameContent(path: TreePath, before: NodeDirent, after: NodeDirent): Promise<boolean> {
    if (sameContent(before, after)) return true;
    if (before.kind !== 'file' || after.kind !== 'file' || this.#options.sameFile === undefined) return false;
    return await this.#options.sameFile(path, before, after);
  }

  #mayDiffer(before: DirDirent, after: DirDirent): boolean {
    if (this.#isListed || !sameBlock(before.block, after.block)) return true;
    const tablesDiffer = this.#frame?.tablesDiffer === true || !sameOptionalBlock(before.inodes, after.inodes);
    return tablesDiffer && linksWithin(before) > 0;
  }

  /** Whether one side is not stored: then Dirs cannot be compared by their Blocks. */
  get #isListed(): boolean {
    return this.#sides.before.list !== undefined || this.#sides.after.list !== undefined;
  }

  #enter(path: TreePath, before: DirDirent | undefined, after: DirDirent | undefined): void {
    if (before === undefined && after === undefined) return;
    const parent = this.#frame;
    const tablesDiffer = parent?.tablesDiffer === true || !sameOptionalBlock(before?.inodes, after?.inodes);
    this.#frame = { path, parent, tablesDiffer, before, after, pairs: this.#pairs(path, before, after, tablesDiffer) };
  }

  #pairs(
    path: TreePath,
    before: DirDirent | undefined,
    after: DirDirent | undefined,
    tablesDiffer: boolean,
  ): AsyncGenerator<EntryPair, void, undefined> {
    const options = { signal: this.#options.signal };
    const mayMeanOthers = tablesDiffer && before !== undefined && after !== undefined && linksWithin(before) + linksWithin(after) > 0;
    if (before?.block.kind === 'indirect' && after?.block.kind === 'indirect' && !this.#isListed && !mayMeanOthers) {
      const sources = { before: this.#readers.before.superblocks, after: this.#readers.after.superblocks };
      return pairDifferingEntries({ sources, before: before.block, after: after.block }, options);
    }
    const list = (which: Which, dirent: DirDirent | undefined): AsyncIterable<Dirent> =>
      dirent === undefined ? nothing() : (this.#sides[which].list?.(path, options) ?? this.#readers[which].entries(dirent.block, options));
    return pairEntries(list('before', before), list('after', after));
  }
}

async function* nothing(): AsyncGenerator<never, void, undefined> {}

function taken(dirent: NodeDirent): Taken;
function taken(dirent: NodeDirent | undefined): Taken | undefined;
function taken(dirent: NodeDirent | undefined): Taken | undefined {
  return dirent && { dirent, node: undefined };
}

function dirOf(dirent: NodeDirent | undefined): DirDirent | undefined {
  return dirent?.kind === 'dir' ? dirent : undefined;
}
