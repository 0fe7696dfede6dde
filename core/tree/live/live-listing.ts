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

/** How to go on below a Dir that was listed. */
interface ListedDir {
  readonly path: TreePath;
  readonly open: () => LiveNode;
}

/** The entries of a live tree as a listing gives them; each can list what is below it. */
export class LiveListing {
  readonly #state: LiveState;
  readonly #lookup: Tree['lookup'];
  /** The paths are ropes that nobody else holds: only the names in them take memory. */
  readonly #dirs = new WeakMap<TreeEntry, ListedDir>();

  constructor(state: LiveState, lookup: Tree['lookup']) {
    this.#state = state;
    this.#lookup = lookup;
  }

  /** How to go on below an entry that this listing gave; undefined for any other. */
  below(entry: TreeEntry): ListedDir | undefined {
    return this.#dirs.get(entry);
  }

  /**
   * The entry as it is listed; undefined where it was removed since the listing began. Only a hard link may have to be waited for: a
   * promise for each entry takes longer than the entry.
   *
   * @param path - of `dir`
   */
  entry(path: TreePath, dir: LiveDir, raw: RawEntry, options: OpOptions): TreeEntry | Promise<TreeEntry | undefined> {
    const { name, entry } = raw;
    if (entry.sort === 'stored') {
      const listed = listedEntry(path, { name, dirent: entry.dirent, size: 0, nlink: 1, id: entryId(dir.id, name) });
      // Where it has been opened for a change meanwhile, that is the Dir.
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
    // Removed meanwhile, or damaged.
    const now = await this.#lookup(at, { ...options, follow: false });
    if (now === undefined) return undefined;
    throw danglingLink(at, uuid);
  }
}
