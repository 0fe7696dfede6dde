import type { OpOptions } from '../base/op-options.ts';
import type { DirDirent } from '../dirent/dirent.ts';
import type { Store } from '../store/store.ts';
import { openLiveTree } from './live/live-tree.ts';
import type { TreePath } from './path.ts';
import { ROOT_PATH } from './path.ts';

/**
 * Adds salt to a Dir and each Dir below: the salt of the Dir that had the path before, or new salt. So putting the same tree twice
 * gives the same references.
 *
 * @param before - the former Dir; undefined if there was none
 * @param newSalt - makes new salt: random octets
 */
export async function withSalt(
  store: Store,
  dir: DirDirent,
  before: DirDirent | undefined,
  newSalt: () => Uint8Array,
  options: OpOptions = {},
): Promise<DirDirent> {
  await using tree = openLiveTree(store, dir);
  await using old = openLiveTree(store, before);
  const ahead: TreePath[] = [ROOT_PATH];
  for (let path = ahead.pop(); path !== undefined; path = ahead.pop()) {
    const found = (await old.lookup(path, { ...options, follow: false }))?.dirent;
    await tree.setSalt(path, (found?.kind === 'dir' ? found.salt : undefined) ?? newSalt(), options);
    for await (const entry of tree.list(path, options)) if (entry.dirent.kind === 'dir') ahead.push(entry.path);
  }
  const { prev } = dir;
  const salted = (await tree.sync(options)) as DirDirent;
  return { ...salted, name: dir.name, ...(prev === undefined ? {} : { prev }) };
}
