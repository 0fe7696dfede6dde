import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import { PendingBlocks } from '../block/block-sink.ts';
import { storeDir } from '../dirent/dir-codec.ts';
import type { DirDirent, Dirent } from '../dirent/dirent.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import { EMPTY_ROOT } from '../dirent/empty-root.ts';
import { AddedBlocks } from '../rights/added-blocks.ts';
import type { Store } from '../store/store.ts';
import { openLiveTree } from '../tree/live/live-tree.ts';
import { partOfTree } from '../tree/part-of-tree.ts';
import type { WebTree } from './web-tree.ts';

/** Trees that are kept. */
const MAX_KEPT = 32;

/** Parts of trees, each as a tree of its own: what is beside it cannot be reached from it. */
export class SharedTrees {
  readonly #store: Store;
  readonly #kept = new Map<string, WebTree>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** The tree of a part; of a file a Dir that has it alone. Undefined where nothing is there that could be shown. */
  async part({ tree, root }: WebTree, names: readonly Octets[], options: OpOptions): Promise<WebTree | undefined> {
    const key = `${names.join('/')}\0${formatDirent(root)}`;
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    const node = await partOfTree(tree, names, options);
    // A Dir may need a table of hard links of its own, which nobody wants to have stored.
    const store = new AddedBlocks(this.#store);
    const top =
      node?.kind === 'dir'
        ? { ...node, name: '' as Octets }
        : node?.kind === 'file'
          ? await dirOf(store, { ...node, name: names.at(-1) ?? node.name }, options)
          : undefined;
    if (top === undefined) return undefined;
    const part = { tree: openLiveTree(store, top), root: top };
    this.#kept.set(key, part);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MAX_KEPT) break;
      this.#kept.delete(oldest);
    }
    return part;
  }
}

async function dirOf(store: Store, entry: Dirent, options: OpOptions): Promise<DirDirent> {
  const pending = new PendingBlocks(store.hashName);
  const block = storeDir(pending, [entry]);
  await pending.flushTo(store, options);
  return { ...EMPTY_ROOT, block };
}
