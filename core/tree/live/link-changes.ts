import { appendAll } from '../../base/lists.ts';
import type { Octets } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { DirReader } from '../dir-reader.ts';
import type { TreePath } from '../path.ts';
import { pathOf } from '../path.ts';
import { findNode } from './inode-scope.ts';
import { linksBelow } from './live-links.ts';
import type { HardLeaf, LiveDir } from './live-node.ts';
import type { LiveState } from './live-state.ts';

/** The changes after which the names of a live tree are grouped by hard-linked nodes as in another tree. */
export interface LinkChanges {
  /** Names that leave their node and get one of their own. */
  readonly split: readonly TreePath[];
  /** Groups of names that must share a node, after the splits. */
  readonly join: readonly (readonly TreePath[])[];
}

/**
 * Compares how names are grouped by their nodes; reads every Dir that contains names of hard links.
 *
 * @param wanted - for each node with several names, these names
 */
export async function linkChanges(state: LiveState, wanted: Iterable<readonly TreePath[]>, options: OpOptions): Promise<LinkChanges> {
  const wantedGroups = new Map<TreePath, readonly TreePath[]>();
  for (const group of wanted) for (const path of group) wantedGroups.set(path, group);
  const nodes = new Map<TreePath, HardLeaf>();
  const split: TreePath[] = [];
  for (const [node, paths] of await groupsOf(state, options)) {
    for (const path of paths) nodes.set(path, node);
    // The names of the first group with several names stay.
    const staying = paths.map((path) => wantedGroups.get(path)).find((group) => group !== undefined);
    appendAll(split, staying === undefined ? paths.slice(1) : paths.filter((path) => wantedGroups.get(path) !== staying));
  }
  const groups = [...new Set(wantedGroups.values())];
  const leaving = new Set(split);
  const stand = (group: readonly TreePath[]): boolean => {
    const node = nodes.get(group[0] as TreePath);
    return node !== undefined && group.every((path) => nodes.get(path) === node && !leaving.has(path));
  };
  return { split, join: groups.filter((group) => !stand(group)) };
}

/** The names of each hard-linked node of a live tree. */
async function groupsOf(state: LiveState, options: OpOptions): Promise<Map<HardLeaf, TreePath[]>> {
  const groups = new Map<HardLeaf, TreePath[]>();
  for await (const { path, node } of linkedNames(state.reader, state.root, options)) {
    if (node === undefined) continue;
    const paths = groups.get(node);
    if (paths === undefined) groups.set(node, [path]);
    else paths.push(path);
  }
  return groups;
}

/** Yields every name of a hard link in a Dir and below with its node; the node is undefined if it is missing because of damage. */
export async function* linkedNames(
  reader: DirReader,
  top: LiveDir,
  options: OpOptions,
): AsyncGenerator<{ readonly path: TreePath; readonly node: HardLeaf | undefined }> {
  for await (const { dir, name, uuid } of linksBelow(reader, top, options)) {
    yield { path: pathOf([...namesOf(dir), name]), node: await findNode(reader, dir, uuid, options) };
  }
}

function namesOf(dir: LiveDir): Octets[] {
  const names: Octets[] = [];
  for (let at = dir; at.parent !== undefined; at = at.parent) names.push(at.name);
  return names.reverse();
}
