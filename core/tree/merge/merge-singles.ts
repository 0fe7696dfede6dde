import type { Octets } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { DirDirent, Dirent } from '../../dirent/dirent.ts';
import { sameContent } from '../../dirent/dirent-compare.ts';
import type { DirReader } from '../dir-reader.ts';
import { linksWithin } from '../live/live-node.ts';
import type { TreePath } from '../path.ts';
import { joinPath } from '../path.ts';
import type { SideTables } from './merge-table.ts';

// A node that a side left with only one name is no longer in its table there. For a merge it is put back, so that the other side's
// changes of the node apply to it, whatever name they used.

/** Three states of a Dir, and its path. */
export interface SideDirs {
  readonly path: TreePath;
  readonly base: DirDirent | undefined;
  readonly ours: DirDirent;
  readonly theirs: DirDirent;
}

/** Names that are ordinary files on a side, but are treated as names of a node: uuids by path. */
export type Rejoined = ReadonlyMap<'ours' | 'theirs', Map<TreePath, string>>;

/** Puts nodes with one name back into the tables of the sides, and returns these names. */
export async function rejoinSingles(
  reader: DirReader,
  dirs: SideDirs,
  sides: SideTables,
  rejoined: Rejoined,
  options: OpOptions,
): Promise<void> {
  const { base } = sides;
  if (base === undefined || dirs.base === undefined) return;
  const lost = (side: 'ours' | 'theirs'): string[] => [...base.keys()].filter((uuid) => sides[side]?.has(uuid) !== true);
  const gone = { ours: lost('ours'), theirs: lost('theirs') };
  if (gone.ours.length + gone.theirs.length === 0) return;
  const names = await namesOf(reader, dirs.base, new Set([...gone.ours, ...gone.theirs]), options);
  for (const side of ['ours', 'theirs'] as const)
    for (const uuid of gone[side]) {
      const node = base.get(uuid);
      if (node === undefined) continue;
      const leaves: { readonly path: TreePath; readonly leaf: Dirent }[] = [];
      for (const name of names.get(uuid) ?? []) {
        const leaf = await leafAt(reader, dirs[side], name, options);
        if (leaf?.kind === node.kind) leaves.push({ path: name.reduce<TreePath>(joinPath, dirs.path), leaf });
      }
      const alike = leaves.length > 1 ? leaves.filter(({ leaf }) => sameContent(leaf, node)) : leaves;
      const [one] = alike;
      if (one === undefined || alike.length > 1) continue;
      sides[side]?.set(uuid, { ...one.leaf, name: uuid as Octets, uuid, nlink: 1 } as Dirent);
      rejoined.get(side)?.set(one.path, uuid);
    }
}

/** Finds the names of some nodes in a stored Dir and below, each as path elements. */
async function namesOf(
  reader: DirReader,
  top: DirDirent,
  uuids: ReadonlySet<string>,
  options: OpOptions,
): Promise<Map<string, (readonly Octets[])[]>> {
  const names = new Map<string, (readonly Octets[])[]>();
  const ahead: { readonly dirent: DirDirent; readonly path: readonly Octets[] }[] = [{ dirent: top, path: [] }];
  for (let dir = ahead.pop(); dir !== undefined; dir = ahead.pop()) {
    for await (const dirent of reader.entries(dir.dirent.block, options)) {
      const path = [...dir.path, dirent.name];
      if (dirent.kind === 'dir' && linksWithin(dirent) > 0) ahead.push({ dirent, path });
      if (dirent.kind === 'indirect' && uuids.has(dirent.uuid)) names.set(dirent.uuid, [...(names.get(dirent.uuid) ?? []), path]);
    }
  }
  return names;
}

/** Finds the entry at a path below a stored Dir; undefined if it is a Dir or a name of a hard link. */
async function leafAt(reader: DirReader, top: DirDirent, path: readonly Octets[], options: OpOptions): Promise<Dirent | undefined> {
  let at: Dirent | undefined = top;
  for (const name of path) at = at?.kind === 'dir' ? await reader.find(at.block, name, options) : undefined;
  return at?.kind === 'dir' || at?.kind === 'indirect' ? undefined : at;
}
