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

/** A Dir that was renamed may have renames in it: each round finds those of the next level. */
const MAX_ROUNDS = 8;

/**
 * Merges two states of a tree as {@link mergeDirents} does, and follows renames. Where one side renamed what the other changed,
 * the common past and the other side are merged as if renamed there too.
 *
 * @param base - undefined for states without a common past
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
  // What is in a Dir that one side renamed shows only now.
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

  /** Gives what both sides renamed, each otherwise, one name. */
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

  /** Renames in the common past and on the other side what one side renamed and the other changed. */
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
   * A tree with something renamed. The Dirs that lead there are made as another tree has them, and times of Dirs stay.
   *
   * @returns undefined where something stands there, or in the way; or where another state knows the node of a hard link, which leaves its
   * table with the name, as another one
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
   * Whether a table above a new name has got a uuid by which another state means another node there. A copy by reference keeps the uuids, so
   * the nodes of a Dir and of its copy differ by their tables alone.
   *
   * @param like - the state that has the name: its node there is the same one
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

  /** The uuids in the table of a Dir; none where there is no such Dir. */
  async #nodesOf(root: DirDirent, dir: TreePath): Promise<ReadonlySet<string>> {
    await using tree = openLiveTree(this.#store, root);
    const found = (await entryByNames(tree, dir, this.#plain))?.dirent;
    return new Set((await readTable(this.#reader, found?.kind === 'dir' ? found.inodes : undefined, this.#plain)).keys());
  }

  /** What stands at a path as its Dir has it: of a hard link the name alone. */
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

/** What stands at a path, taken out of its tree; undefined for nothing. */
async function direntAt(tree: LiveTree, path: TreePath, options: OpOptions) {
  return (await entryByNames(tree, path, options)) === undefined ? undefined : await tree.dirent(path, options);
}
