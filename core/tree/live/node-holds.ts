import type { Octets } from '../../base/octets.ts';
import { entryId } from '../node-id.ts';
import type { LiveDir } from './live-node.ts';
import type { LiveNode } from './live-state.ts';

// A node that somebody holds stays the same object under its name.

/** Holds a node once more. @returns the node that the name has: another one where somebody else was first since it was looked up */
export function holdNode<T extends LiveNode>(dir: LiveDir | undefined, name: Octets, node: T): T {
  node.holds = (node.holds ?? 0) + 1;
  if (node.holds > 1 || dir === undefined || !belongsTo(node, dir, name)) return node;
  const present = dir.overlay.get(name);
  if (present?.sort === node.sort && present !== node) {
    node.holds = 0;
    return holdNode(dir, name, present as T);
  }
  if (node.sort === 'leaf') node.home = { dir, name };
  dir.overlay.set(name, node);
  return node;
}

/** Whether a name has a node to itself. A listing may name a Dir that has been moved or removed since. */
function belongsTo(node: LiveNode, dir: LiveDir, name: Octets): boolean {
  return node.sort === 'leaf' ? node.hard === undefined : !node.gone && node.parent === dir && node.name === name;
}

/** Lets go of a node; one that nobody holds and that is as stored is forgotten. */
export function releaseNode(node: LiveNode, times: number): void {
  node.holds = Math.max(0, (node.holds ?? 0) - times);
  if (node.holds > 0) return;
  if (node.sort === 'leaf') {
    const { home } = node;
    if (home?.dir.isStored(home.name) !== true || node.unsynced !== undefined || node.id !== entryId(home.dir.id, home.name)) return;
    if (home.dir.overlay.get(home.name) === node) home.dir.overlay.delete(home.name);
  } else {
    const { parent } = node;
    if (parent?.isStored(node.name) !== true || node.stale || node.scope !== undefined || node.overlay.size > 0) return;
    if (node.id === entryId(parent.id, node.name) && parent.overlay.get(node.name) === node) parent.overlay.delete(node.name);
  }
}
