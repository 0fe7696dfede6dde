import { randomUUID } from 'node:crypto';
import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { DirDirent } from '../dirent/dirent.ts';
import type { TreePath } from './path.ts';
import { joinPath, parentPath } from './path.ts';
import type { Tree, TreeEntry } from './tree.ts';

/** Options of {@link bindOver}. */
export interface BindOverOptions extends OpOptions {
  /** Called for each Dir with entries that is kept although the new state has something else there; default: none is kept. */
  readonly onClash?: (path: TreePath) => void;
}

/**
 * Binds a Dir over an existing one, and keeps entries that only the old one has, at any depth. If both have a name, the new entry
 * wins. With `onClash`, however, a Dir with entries is not replaced by anything but a Dir.
 *
 * The new Dir is bound beside the old one and replaces it when it is complete. On failure the old one is restored.
 */
export async function bindOver(tree: Tree, path: TreePath, dirent: DirDirent, options: BindOverOptions = {}): Promise<void> {
  const beside = joinPath(parentPath(path), `.put-${randomUUID()}` as Octets);
  const before = await tree.dirent(path, options);
  await tree.bind(beside, dirent, options);
  try {
    await moveMissing(tree, path, beside, options);
    await tree.remove(path, { ...options, recursive: true });
    await tree.rename(beside, path, options);
  } catch (error) {
    await tree.remove(beside, { recursive: true }).catch(() => {});
    await tree.bind(path, before);
    throw error;
  }
}

/** Moves entries that only `from` has into `to`, without changing the times of the Dirs in `to`. */
async function moveMissing(tree: Tree, from: TreePath, to: TreePath, { onClash, ...options }: BindOverOptions): Promise<void> {
  const ahead: [TreePath, TreePath][] = [[from, to]];
  for (let pair = ahead.pop(); pair !== undefined; pair = ahead.pop()) {
    const [old, fresh] = pair;
    const entries = tree.list(fresh, options)[Symbol.asyncIterator]();
    let head = await next(entries);
    const missing: Octets[] = [];
    const clashes: Octets[] = [];
    for await (const { name, dirent } of tree.list(old, options)) {
      while (head !== undefined && head.name < name) head = await next(entries);
      if (head?.name !== name) missing.push(name);
      else if (dirent.kind === 'dir' && head.dirent.kind === 'dir') ahead.push([joinPath(old, name), joinPath(fresh, name)]);
      else if (dirent.kind === 'dir' && onClash !== undefined && !(await isEmpty(tree, joinPath(old, name), options))) clashes.push(name);
    }
    await entries.return?.();
    if (missing.length + clashes.length === 0) continue;
    const seen = await tree.lookup(fresh, { ...options, follow: false });
    for (const name of clashes) {
      await tree.remove(joinPath(fresh, name), options);
      onClash?.(joinPath(old, name));
    }
    for (const name of [...missing, ...clashes]) await tree.rename(joinPath(old, name), joinPath(fresh, name), options);
    await tree.setMeta(fresh, { mtimeNs: seen?.dirent.meta.mtimeNs ?? null }, { ...options, follow: false });
  }
}

async function isEmpty(tree: Tree, path: TreePath, options: OpOptions): Promise<boolean> {
  for await (const _ of tree.list(path, options)) return false;
  return true;
}

async function next(entries: AsyncIterator<TreeEntry>): Promise<TreeEntry | undefined> {
  const { value, done } = await entries.next();
  return done === true ? undefined : value;
}
