import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import { Beneath } from '../base/system/beneath.ts';
import { findXattrs } from '../base/system/find-xattrs.ts';
import type { OwnerNames } from '../base/system/owner-names.ts';
import { pathBytes } from '../base/system/system-error.ts';
import { metaOf } from '../import/import-meta.ts';
import type { TreePath } from '../tree/path.ts';
import { parentPath } from '../tree/path.ts';
import type { Tree, TreeEntry } from '../tree/tree.ts';
import { statOfItself } from './stat-of.ts';

/** A local folder and the Dir that mirrors it. */
interface StoredSideOptions {
  readonly tree: Tree;
  /** Absolute, without a trailing slash. */
  readonly folder: Octets;
  readonly target: TreePath;
  readonly owners: OwnerNames;
}

/** The Dir of a tree that mirrors a local folder. */
export class StoredSide {
  readonly #options: StoredSideOptions;

  constructor(options: StoredSideOptions) {
    this.#options = options;
  }

  /** Whether the node of a path has other names in the tree. */
  async hasOtherNames(path: Octets, options: OpOptions): Promise<boolean> {
    const { tree } = this.#options;
    const at = this.pathOf(path);
    if (!(await this.areDirs(parentPath(at), options))) return false;
    return isLinked(await tree.lookup(at, { follow: false, ...options }));
  }

  /** Whether a path of the tree and all paths above it are Dirs, so that no symlink leads elsewhere. */
  async areDirs(at: TreePath, options: OpOptions): Promise<boolean> {
    const { tree, target } = this.#options;
    for (let above = at; above.length >= target.length; above = parentPath(above))
      if ((await tree.lookup(above, { follow: false, ...options }))?.dirent.kind !== 'dir') return false;
    return true;
  }

  /** Removes a path of the tree if it exists. */
  async remove(at: TreePath, options: OpOptions): Promise<void> {
    const { tree } = this.#options;
    if ((await tree.lookup(at, { follow: false, ...options })) !== undefined) await tree.remove(at, { recursive: true, ...options });
  }

  /** Copies the metadata of a local directory to its Dir, after the directory or its entries changed. */
  async setDirMeta(path: Octets, options: OpOptions): Promise<void> {
    const { tree, owners } = this.#options;
    const at = this.pathOf(path);
    using beneath = new Beneath(this.#options.folder);
    const entry = beneath.entry(path);
    const stat = typeof entry === 'string' ? statOfItself(entry) : undefined;
    if (typeof entry !== 'string' || stat?.isDirectory() !== true) return;
    if (!(await this.areDirs(at, options))) return;
    const { xattrs } = findXattrs(pathBytes(entry));
    await tree.setMeta(at, { ...metaOf(stat, owners, xattrs), xattrs: xattrs ?? null }, { follow: false, ...options });
  }

  /** The path in the tree of a local path. */
  pathOf(path: Octets): TreePath {
    const { folder, target } = this.#options;
    return `${target}${path.slice(folder.length)}` as TreePath;
  }
}

/** Whether a node of the tree has several names. */
export function isLinked(entry: TreeEntry | undefined): boolean {
  return entry !== undefined && entry.dirent.kind !== 'dir' && entry.nlink > 1;
}
