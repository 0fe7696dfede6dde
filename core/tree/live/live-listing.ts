import type { Octets } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { entryId } from '../node-id.ts';
import type { TreePath } from '../path.ts';
import { joinPath } from '../path.ts';
import type { Tree, TreeEntry } from '../tree.ts';
import { findNode, lookIntoDir } from './inode-scope.ts';
import type { LiveDir, RawEntry } from './live-node.ts';
import type { LiveNode, LiveState } from './live-state.ts';
import { danglingLink, entryFields, listedEntry } from './live-state.ts';

/** How to list the contents of a Dir that was listed itself. */
interface ListedDir {
  readonly path: TreePath;
  readonly open: () => LiveNode;
}

/** Makes the entries of listings of a live tree, and remembers how to list below each. */
export class LiveListing {
  readonly #state: LiveState;
  readonly #lookup: Tree['lookup'];
  /** The paths are unflattened concatenated strings: only the names in them take memory. */
  readonly #dirs = new WeakMap<TreeEntry, ListedDir>();

  constructor(state: LiveState, lookup: Tree['lookup']) {
    this.#state = state;
    this.#lookup = lookup;
  }

  /** How to list below an entry from this listing; undefined for other entries. */
  below(entry: TreeEntry): ListedDir | undefined {
    return this.#dirs.get(entry);
  }

  /**
   * Makes a listed entry; undefined if it was removed since the listing began. Only hard links may need a promise, since a promise
   * for each entry would take longer than the entry.
   *
   * @param path - path of `dir`
   */
  entry(path: TreePath, dir: LiveDir, raw: RawEntry, options: OpOptions): TreeEntry | Promise<TreeEntry | undefined> {
    const { name, entry } = raw;
    if (entry.sort === 'stored') {
      const listed = listedEntry(path, { name, dirent: entry.dirent, size: 0, nlink: 1, id: entryId(dir.id, name) });
      // If the Dir was opened for a change meanwhile, use the open one.
      const open = (): LiveNode => {
        const now = dir.overlay.get(name);
        return now?.sort === 'dir' ? now : lookIntoDir(dir, name, entry.dirent);
      };
      this.#dirs.set(listed, { path: joinPath(path, name), open });
      return listed;
    }
    if (entry.sort !== 'link') {
      const listed = listedEntry(path, entryFields(name, entry));
      if (entry.sort === 'dir') this.#dirs.set(listed, { path: joinPath(path, name), open: () => entry });
      return listed;
    }
    return this.#link(path, dir, { name, uuid: entry.uuid }, options);
  }

  async #link(
    path: TreePath,
    dir: LiveDir,
    { name, uuid }: { readonly name: Octets; readonly uuid: string },
    options: OpOptions,
  ): Promise<TreeEntry | undefined> {
    const node = await findNode(this.#state.reader, dir, uuid, options);
    if (node !== undefined) return listedEntry(path, entryFields(name, node));
    const at = joinPath(path, name);
    // The entry was removed meanwhile, or is damaged.
    const now = await this.#lookup(at, { ...options, follow: false });
    if (now === undefined) return undefined;
    throw danglingLink(at, uuid);
  }
}
