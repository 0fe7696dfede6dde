import type { OpOptions } from '../../base/op-options.ts';
import type { DirDirent, Dirent } from '../../dirent/dirent.ts';
import { sameDirent } from '../../dirent/dirent-compare.ts';
import type { Store } from '../../store/store.ts';
import { DirReader } from '../dir-reader.ts';
import type { LiveTree } from '../live/live-tree.ts';
import { openLiveTree } from '../live/live-tree.ts';
import { entryByNames } from '../lookup-below.ts';
import type { TreePath } from '../path.ts';
import { baseName, parentPath, ROOT_PATH } from '../path.ts';
import { withoutCopiedNodes } from './copied-nodes.ts';
import { mergeDirents } from './merge.ts';
import type { Chosen, MergeChoice, MergeConflict, MergeOptions, MergeResult } from './merge-result.ts';
import { readTable } from './merge-table.ts';
import type { SideRename } from './side-renames.ts';
import { sideRenames } from './side-renames.ts';
import { withWrittenContents } from './written-contents.ts';

/** Maximum number of rounds: a renamed Dir may contain renames, and each round finds those of the next level. */
const MAX_ROUNDS = 8;

/**
 * Merges two states of a tree like {@link mergeDirents}, and follows renames. If one side renamed what the other changed,
 * the rename is first applied to the common past and the other side.
 *
 * @param base - the common past; undefined if there is none
 */
export async function mergeTrees(
  store: Store,
  base: DirDirent | undefined,
  ours: DirDirent,
  theirs: DirDirent,
  options: MergeOptions,
): Promise<MergeResult> {
  if (base === undefined || sameDirent(base, ours) || sameDirent(base, theirs) || sameDirent(ours, theirs))
    return await mergeDirents(store, base, ours, theirs, options);
  const plain = { signal: options.signal };
  let isNeither = false;
  const choose = (choice: MergeChoice): Chosen => {
    const chosen = options.choose?.(choice) ?? 'both';
    isNeither ||= chosen === 'neither';
    return chosen;
  };
  const noting = { ...options, choose };
  const [mine, other] = [
    await withoutCopiedNodes(store, base, ours, theirs, plain),
    await withoutCopiedNodes(store, base, theirs, ours, plain),
  ];
  const sides = new RenamedSides(store, base, mine, other, noting);
  await sides.meet();
  await sides.follow('ours');
  await sides.follow('theirs');
  // Renames within a Dir that one side renamed can only be found now.
  await sides.meet();
  const { dirent, conflicts, onlyOne } = await mergeDirents(store, sides.base, sides.ours, sides.theirs, noting);
  const merged = { dirent, conflicts: [...sides.conflicts, ...conflicts], onlyOne };
  // Where neither is taken, contents of both are left out on purpose.
  return isNeither ? merged : await withWrittenContents(store, { base, ours, theirs }, merged, options);
}

class RenamedSides {
  readonly conflicts: MergeConflict[] = [];
  readonly #store: Store;
  readonly #reader: DirReader;
  readonly #options: MergeOptions;
  base: DirDirent;
  ours: DirDirent;
  theirs: DirDirent;

  constructor(store: Store, base: DirDirent, ours: DirDirent, theirs: DirDirent, options: MergeOptions) {
    this.#store = store;
    this.#reader = new DirReader(store);
    this.#options = options;
    this.base = base;
    this.ours = ours;
    this.theirs = theirs;
  }

  /** Chooses one name for everything that both sides renamed differently. */
  async meet(): Promise<void> {
    const [mine, other] = await Promise.all([this.#renames(this.ours), this.#renames(this.theirs)]);
    const theirNames = new Map(other.map(({ from, to }) => [from, to]));
    for (const { from, to } of mine) {
      const theirName = theirNames.get(from);
      if (theirName === undefined || theirName === to) continue;
      const [one, two] = await Promise.all([this.#at(this.ours, to), this.#at(this.theirs, theirName)]);
      const took = this.#options.choose?.({ path: to, ours: one, theirs: two }) === 'theirs' ? 'theirs' : 'ours';
      const [side, rename] =
        took === 'ours' ? (['theirs', { from: theirName, to }] as const) : (['ours', { from: to, to: theirName }] as const);
      const moved = await this.#move(this[side], rename, this[took]);
      if (moved === undefined) continue;
      this[side] = moved;
      this.conflicts.push({ path: to, kind: 'both-renamed', theirsAt: theirName, took });
    }
  }

  /** Applies renames of one side to the common past and the other side, for what the other side changed. */
  async follow(side: 'ours' | 'theirs'): Promise<void> {
    const other = side === 'ours' ? 'theirs' : 'ours';
    for (let round = 0; round < MAX_ROUNDS; round++) {
      let count = 0;
      for (const rename of await this.#renames(this[side])) {
        const [was, is] = await Promise.all([this.#at(this.base, rename.from), this.#at(this[other], rename.from)]);
        if (was === undefined || is === undefined || was.kind !== is.kind || sameDirent(was, is)) continue;
        const base = await this.#move(this.base, rename, this[side]);
        const moved = base && (await this.#move(this[other], rename, this[side]));
        if (base === undefined || moved === undefined) continue;
        this.base = base;
        this[other] = moved;
        count++;
      }
      if (count === 0) return;
    }
  }

  async #renames(side: DirDirent): Promise<SideRename[]> {
    return await sideRenames(this.#store, this.base, side, this.#plain);
  }

  get #plain(): OpOptions {
    return { signal: this.#options.signal };
  }

  async #at(root: DirDirent, path: TreePath): ReturnType<typeof direntAt> {
    await using tree = openLiveTree(this.#store, root);
    return await direntAt(tree, path, this.#plain);
  }

  /**
   * Renames an entry of a tree. Missing parent Dirs are made as in another tree, and the times of Dirs stay.
   *
   * @returns undefined if an entry is there or in the way; or if the name's node leaves its table, and another state has a different
   * node with its uuid there
   */
  async #move(root: DirDirent, { from, to }: SideRename, like: DirDirent): Promise<DirDirent | undefined> {
    await using tree = openLiveTree(this.#store, root);
    await using model = openLiveTree(this.#store, like);
    const options = this.#plain;
    if ((await entryByNames(tree, from, options)) === undefined) return undefined;
    if ((await entryByNames(tree, to, options)) !== undefined) return undefined;
    const missing: TreePath[] = [];
    for (let dir = parentPath(to); ; dir = parentPath(dir)) {
      const found = await entryByNames(tree, dir, options);
      if (found?.dirent.kind === 'dir') break;
      if (found !== undefined || dir === ROOT_PATH) return undefined;
      missing.push(dir);
    }
    const restore = await this.#timesOf(tree, [parentPath(from), parentPath(missing.at(-1) ?? to)]);
    for (const dir of missing.reverse()) await tree.mkdir(dir, (await entryByNames(model, dir, options))?.dirent.meta ?? {}, options);
    await tree.rename(from, to, options);
    for (const dir of missing) restore.push({ dir, mtimeNs: (await entryByNames(model, dir, options))?.dirent.meta.mtimeNs });
    for (const { dir, mtimeNs } of restore) await tree.setMeta(dir, { mtimeNs: mtimeNs ?? null }, { follow: false, ...options });
    const moved = await tree.sync(options);
    return moved.kind !== 'dir' || (await this.#mixesNodes(root, moved, to, like)) ? undefined : moved;
  }

  /**
   * Whether a rename has put a uuid into a table above the new name where another state has a different node with this uuid. A copy by
   * reference keeps the uuids, so nodes of a Dir and of its copy differ only by their tables.
   *
   * @param like - the state that has the new name: its node there is the same
   */
  async #mixesNodes(before: DirDirent, after: DirDirent, name: TreePath, like: DirDirent): Promise<boolean> {
    const entry = await this.#entryAt(like, name);
    for (let dir = parentPath(name); ; dir = parentPath(dir)) {
      const known = await this.#nodesOf(before, dir);
      const lifted = [...(await this.#nodesOf(after, dir))].filter((uuid) => !known.has(uuid));
      for (const state of lifted.length === 0 ? [] : [this.base, this.ours, this.theirs]) {
        const nodes = await this.#nodesOf(state, dir);
        const isSame = (uuid: string): boolean => state === like && entry?.kind === 'indirect' && entry.uuid === uuid;
        if (lifted.some((uuid) => nodes.has(uuid) && !isSame(uuid))) return true;
      }
      if (dir === ROOT_PATH) return false;
    }
  }

  /** The uuids in the table of a Dir; none if the Dir does not exist. */
  async #nodesOf(root: DirDirent, dir: TreePath): Promise<ReadonlySet<string>> {
    await using tree = openLiveTree(this.#store, root);
    const found = (await entryByNames(tree, dir, this.#plain))?.dirent;
    return new Set((await readTable(this.#reader, found?.kind === 'dir' ? found.inodes : undefined, this.#plain)).keys());
  }

  /** The unresolved entry at a path: for a hard link, only its name. */
  async #entryAt(root: DirDirent, path: TreePath): Promise<Dirent | undefined> {
    await using tree = openLiveTree(this.#store, root);
    const dir = (await entryByNames(tree, parentPath(path), this.#plain))?.dirent;
    return dir?.kind === 'dir' ? await this.#reader.find(dir.block, baseName(path), this.#plain) : undefined;
  }

  async #timesOf(tree: LiveTree, dirs: readonly TreePath[]): Promise<{ readonly dir: TreePath; readonly mtimeNs: bigint | undefined }[]> {
    const times: { readonly dir: TreePath; readonly mtimeNs: bigint | undefined }[] = [];
    for (const dir of new Set(dirs)) times.push({ dir, mtimeNs: (await entryByNames(tree, dir, this.#plain))?.dirent.meta.mtimeNs });
    return times;
  }
}

/** The self-contained Dirent at a path; undefined if there is none. */
async function direntAt(tree: LiveTree, path: TreePath, options: OpOptions) {
  return (await entryByNames(tree, path, options)) === undefined ? undefined : await tree.dirent(path, options);
}
