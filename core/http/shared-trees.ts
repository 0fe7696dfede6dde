import type { Archive } from '../archive/archive.ts';
import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import { RecentMap } from '../base/recent-map.ts';
import { PendingBlocks } from '../block/block-sink.ts';
import { storeDir } from '../dirent/dir-codec.ts';
import type { DirDirent, Dirent } from '../dirent/dirent.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import { EMPTY_ROOT } from '../dirent/empty-root.ts';
import { AddedBlocks } from '../rights/added-blocks.ts';
import { PartArchive } from '../rights/part-archive.ts';
import type { Store } from '../store/store.ts';
import { openLiveTree } from '../tree/live/live-tree.ts';
import { partOfTree } from '../tree/part-of-tree.ts';
import type { Tree } from '../tree/tree.ts';
import type { Past } from './past/past.ts';
import type { WebTree } from './web-tree.ts';

/** Trees, and histories, that are kept. */
const MAX_KEPT = 32;

/** Parts of trees, each as a separate tree: nothing outside can be reached from it. */
export class SharedTrees {
  readonly #store: Store;
  readonly #trees = new RecentMap<string, WebTree>({ maxSize: MAX_KEPT });
  readonly #pasts = new RecentMap<string, Omit<Past, 'base'>>({ maxSize: MAX_KEPT });

  constructor(store: Store) {
    this.#store = store;
  }

  /** The tree of a part; for a file a Dir with only this file. Undefined if there is nothing to show. */
  async part({ tree, root }: WebTree, names: readonly Octets[], options: OpOptions): Promise<WebTree | undefined> {
    const key = `${names.join('/')}\0${formatDirent(root)}`;
    const known = this.#trees.get(key);
    if (known !== undefined) return known;
    // A Dir may need a table of hard links of its own, which must not be stored.
    const store = new AddedBlocks(this.#store);
    const top = await partOf(store, tree, names, options);
    if (top === undefined) return undefined;
    const part = { tree: openLiveTree(store, top), root: top };
    this.#trees.set(key, part);
    return part;
  }

  /** The states of an archive in which a part changed. */
  past(whole: Archive, names: readonly Octets[], base: string): Past {
    const key = `${names.join('/')}\0${whole.name}`;
    const known = this.#pasts.get(key);
    if (known !== undefined) return { ...known, base };
    const made = this.#makePast(whole, names);
    this.#pasts.set(key, made);
    return { ...made, base };
  }

  #makePast(whole: Archive, names: readonly Octets[]): Omit<Past, 'base'> {
    const store = new AddedBlocks(this.#store);
    const archive = new PartArchive(whole, async (root, options) => {
      await using tree = openLiveTree(store, root);
      return await partOf(store, tree, names, options);
    });
    return { archive, store, tree: (root) => ({ tree: openLiveTree(store, root), root }) };
  }
}

/** The Dir that shows a part. */
async function partOf(store: Store, tree: Tree, names: readonly Octets[], options: OpOptions): Promise<DirDirent | undefined> {
  const node = await partOfTree(tree, names, options);
  if (node?.kind === 'dir') return { ...node, name: '' as Octets };
  return node?.kind === 'file' ? await dirOf(store, { ...node, name: names.at(-1) ?? node.name }, options) : undefined;
}

async function dirOf(store: Store, entry: Dirent, options: OpOptions): Promise<DirDirent> {
  const pending = new PendingBlocks(store.hashName);
  const block = storeDir(pending, [entry]);
  await pending.flushTo(store, options);
  return { ...EMPTY_ROOT, block };
}
