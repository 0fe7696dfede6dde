import type { Octets } from '../../base/octets.ts';
import { entryId } from '../node-id.ts';
import type { LiveDir } from './live-node.ts';
import type { LiveNode } from './live-state.ts';

// A held node stays the same object under its name.

/** Holds a node once more. @returns the node of the name, which differs if another caller held one since the look-up */
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

/** Whether a node belongs to a name alone. A listing may name a Dir that was moved or removed since. */
function belongsTo(node: LiveNode, dir: LiveDir, name: Octets): boolean {
  return node.sort === 'leaf' ? node.hard === undefined : !node.gone && node.parent === dir && node.name === name;
}

/** Releases holds. A node without holds that equals its stored state is dropped from memory. */
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
