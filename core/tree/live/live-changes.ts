import { PathError } from '../../base/errors.ts';
import type { Octets } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { EMPTY_BLOCK } from '../../block/block.ts';
import type { DirDirent, Dirent, IndirectDirent } from '../../dirent/dirent.ts';
import type { Meta } from '../../dirent/meta.ts';
import { contentChanged, nodeChanged } from '../meta-change.ts';
import type { TreePath } from '../path.ts';
import { checkEntryName, pathOf } from '../path.ts';
import type { Resolved } from '../resolve.ts';
import { liveDir, markScopeChanged } from './inode-scope.ts';
import { liftDir } from './lift.ts';
import { dropNames, makeReachable, outerLinks } from './live-links.ts';
import type { HardLeaf, LeafDirent, LiveDir, LiveLeaf, NodePlace } from './live-node.ts';
import { entriesOf, REMOVED } from './live-node.ts';
import type { LiveNode, LiveState } from './live-state.ts';
import { resolveLive } from './live-state.ts';
import { storeStale } from './live-store.ts';

// The changes of entries that all operations are made of. The caller holds the tree's lock.

/** Names of one hard-linked node that are known from their making. */
const MAX_KNOWN_NAMES = 4;

/** A place in a tree for an entry: a Dir and a name, and the entry there now. */
export interface Place {
  readonly dir: LiveDir;
  readonly name: Octets;
  readonly node: LiveNode | undefined;
  /** With symlinks resolved. */
  readonly path: TreePath;
}

/** The place of a path whose parent exists; undefined for the root. Nothing on the way is forgotten. */
export async function placeOf(
  state: LiveState,
  path: TreePath,
  action: string,
  options: OpOptions,
  follow = false,
): Promise<Place | undefined> {
  const resolved = await resolveLive(state, path, { follow, keep: true, action }, options);
  return placeIn(resolved);
}

function placeIn(resolved: Resolved<LiveNode>): Place | undefined {
  const dir = resolved.dirs.at(-1);
  const name = resolved.names.at(-1);
  if (dir?.sort !== 'dir' || name === undefined) return undefined;
  return { dir, name, node: resolved.node, path: pathOf(resolved.names) };
}

/** As {@link placeOf}, of an entry that has to exist and not be the root. */
export async function existingPlace(
  state: LiveState,
  path: TreePath,
  action: string,
  options: OpOptions,
): Promise<Place & { readonly node: LiveNode }> {
  const place = await placeOf(state, path, action, options);
  if (place === undefined) throw new PathError('EINVAL', action, path);
  if (place.node === undefined) throw new PathError('ENOENT', action, path);
  return { ...place, node: place.node };
}

/** As {@link placeOf}, of an entry that must not exist yet. */
export async function newPlace(state: LiveState, path: TreePath, action: string, options: OpOptions): Promise<Place> {
  const place = await placeOf(state, path, action, options);
  if (place === undefined || place.node !== undefined) throw new PathError('EEXIST', action, path);
  checkEntryName(place.name, action, path);
  return place;
}

/** Refuses what rename(2) refuses to replace: a Dir by something else, something else by a Dir, a Dir that is not empty. */
export async function checkReplace(
  state: LiveState,
  node: LiveNode,
  target: LiveNode | undefined,
  action: string,
  path: TreePath,
): Promise<void> {
  if (target === undefined) return;
  if (target.sort !== 'dir') {
    if (node.sort === 'dir') throw new PathError('ENOTDIR', action, path);
    return;
  }
  if (node.sort !== 'dir') throw new PathError('EISDIR', action, path);
  if (!(await isEmptyDir(state, target))) throw new PathError('ENOTEMPTY', action, path);
}

/** Whether a Dir has no entries. */
export async function isEmptyDir(state: LiveState, dir: LiveDir): Promise<boolean> {
  for await (const _entry of entriesOf(state.reader, dir)) return false;
  return true;
}

/** Sets the entry at a place, which must be free; a Dir or leaf must be nowhere else. */
export function putEntry(state: LiveState, place: Place, node: LiveNode): void {
  const { dir, name } = place;
  if (node.sort === 'dir' && dir.subdirs !== undefined) dir.subdirs++;
  if (node.sort === 'leaf' && node.hard !== undefined) dir.overlay.set(name, { sort: 'link', uuid: node.hard.uuid });
  else dir.overlay.set(name, node);
  if (node.sort === 'dir') {
    node.parent = dir;
    node.name = name;
    node.gone = false;
  } else if (isHeld(node)) node.home = { dir, name };
  entriesChanged(state, dir);
}

/** Removes the entry at a place, and its names from the nodes of hard links, below it too. */
export async function dropEntry(state: LiveState, place: Place, options: OpOptions): Promise<void> {
  const { node } = place;
  if (node?.sort === 'dir') {
    const outer = await outerLinks(state.reader, node, options);
    for (const [hardLeaf, names] of outer) dropNames(hardLeaf, names);
    // Nodes that were moved out of it keep the ids which derive from its own.
    state.ids.leave(node.id);
    node.gone = true;
    clearEntry(state, place);
  } else dropLeaf(state, place, node);
}

/** As {@link dropEntry}, of what is no Dir. */
export function dropLeaf(state: LiveState, place: Place, node: LiveLeaf | undefined): void {
  if (node !== undefined && isHard(node)) {
    node.dirent = { ...node.dirent, meta: nodeChanged(node.dirent.meta, state.nowNs()) };
    dropNames(node, 1);
    markScopeChanged(node.hard.scope);
  } else if (node !== undefined && isHeld(node)) {
    // Its holders keep using it, apart from the node that takes its name.
    state.ids.leave(node.id);
    node.dirent = { ...node.dirent, meta: nodeChanged(node.dirent.meta, state.nowNs()) };
    node.home = undefined;
    node.hasLost = true;
  }
  clearEntry(state, place);
}

/** Takes the entry away from its place, without a word to its node. */
export function clearEntry(state: LiveState, place: Place): void {
  place.dir.overlay.set(place.name, REMOVED);
  if (place.node?.sort === 'dir' && place.dir.subdirs !== undefined) place.dir.subdirs--;
  entriesChanged(state, place.dir);
}

/** Moves an entry to a free place. */
export async function moveEntry(state: LiveState, from: Place & { readonly node: LiveNode }, to: Place, options: OpOptions): Promise<void> {
  const { node } = from;
  await makeMovable(state, node, from.dir, to.dir, options);
  clearEntry(state, from);
  putEntry(state, to, node);
  noteMoved(node, from, to);
}

/** Exchanges two entries; neither may be within the other. */
export async function exchangeEntries(
  state: LiveState,
  one: Place & { readonly node: LiveNode },
  other: Place & { readonly node: LiveNode },
  options: OpOptions,
): Promise<void> {
  await makeMovable(state, one.node, one.dir, other.dir, options);
  await makeMovable(state, other.node, other.dir, one.dir, options);
  clearEntry(state, one);
  clearEntry(state, other);
  putEntry(state, other, one.node);
  putEntry(state, one, other.node);
  noteMoved(one.node, one, other);
  noteMoved(other.node, other, one);
}

/** A known name of a node that has several may be another now. */
function noteMoved(node: LiveNode, from: NodePlace, to: NodePlace): void {
  if (node.sort !== 'leaf' || node.hard?.known === undefined) return;
  const { known } = node.hard;
  const at = known.findIndex(({ dir, name }) => dir === from.dir && name === from.name);
  if (at >= 0) known[at] = { dir: to.dir, name: to.name };
}

/** Notes a new name of a node; of many the first and the newest are known. */
function noteName({ hard }: HardLeaf, { dir, name }: NodePlace): void {
  hard.isKept = false;
  if (hard.known === undefined) return;
  hard.known.push({ dir, name });
  if (hard.known.length > MAX_KNOWN_NAMES) hard.known.splice(1, 1);
}

/** Sees to it that an entry, and the names of hard links below it, mean the same nodes in another Dir. */
export async function makeMovable(state: LiveState, node: LiveNode, from: LiveDir, to: LiveDir, options: OpOptions): Promise<void> {
  state.ids.leave(node.id);
  if (from === to) return;
  if (node.sort === 'dir') {
    for (const hardLeaf of (await outerLinks(state.reader, node, options)).keys()) await makeReachable(state, hardLeaf, to, options);
  } else if (isHard(node)) await makeReachable(state, node, to, options);
}

/** Adds a name at a free place for a node that is no Dir. */
export async function linkEntry(state: LiveState, from: Place & { readonly node: LiveLeaf }, to: Place, options: OpOptions): Promise<void> {
  const { node } = from;
  node.dirent = { ...node.dirent, meta: nodeChanged(node.dirent.meta, state.nowNs()) };
  if (isHard(node)) {
    await makeReachable(state, node, to.dir, options);
    node.hard.nlink++;
    noteName(node, to);
    markScopeChanged(node.hard.scope);
    putEntry(state, to, node);
    return;
  }
  // The nearest table above both names; the root always has one.
  let home = to.dir;
  while (home.parent !== undefined && (home.scope === undefined || !from.dir.isWithin(home))) home = home.parent;
  const { scope } = home;
  if (scope === undefined) throw new Error('link: a root without an inode table');
  const nodes = await scope.load(state.reader, options);
  const hardLeaf: HardLeaf = Object.assign(node, {
    hard: { scope, uuid: state.newUuid(), nlink: 2, known: [{ dir: from.dir, name: from.name }] },
  });
  noteName(hardLeaf, to);
  nodes.set(hardLeaf.hard.uuid, hardLeaf);
  state.ids.leave(node.id);
  markScopeChanged(scope);
  from.dir.overlay.set(from.name, { sort: 'link', uuid: hardLeaf.hard.uuid });
  from.dir.markStale();
  putEntry(state, to, node);
}

/** Whether somebody holds a node beyond one operation. */
function isHeld(node: LiveNode): boolean {
  return (node.holds ?? 0) > 0;
}

/** Whether a node is in an inode table. */
export function isHard(node: LiveNode): node is HardLeaf {
  return node.sort === 'leaf' && node.hard !== undefined;
}

/** Gives a leaf a new Dirent, where it is. */
export function changeLeaf(place: Place, leaf: LiveLeaf, dirent: LeafDirent): void {
  leaf.dirent = dirent;
  if (isHard(leaf)) markScopeChanged(leaf.hard.scope);
  else {
    place.dir.overlay.set(place.name, leaf);
    place.dir.markStale();
  }
}

/** Gives a Dir other metadata or salt; its Block is not written for that, but its parent's is. */
export function changeDir(dir: LiveDir, dirent: DirDirent): void {
  dir.dirent = dirent;
  dir.parent?.markStale();
}

/** Notes at a node that it has got another name: its ctime, where it records one, is now. */
export function renamed(state: LiveState, node: LiveNode): void {
  const meta = nodeChanged(node.dirent.meta, state.nowNs());
  if (node.sort === 'dir') node.dirent = { ...node.dirent, meta };
  else {
    node.dirent = { ...node.dirent, meta };
    if (isHard(node)) markScopeChanged(node.hard.scope);
  }
}

/** A live node, apart from the tree so far, of a Dirent; identities of hard links stay behind. */
export function nodeOf(state: LiveState, place: Place, dirent: Exclude<Dirent, IndirectDirent>): LiveNode {
  const id = state.ids.fresh(place.dir.id, place.name);
  if (dirent.kind === 'dir') return liveDir(id, place.dir, place.name, dirent);
  const { uuid: _uuid, nlink: _nlink, ...rest } = dirent;
  return { sort: 'leaf', id, dirent: rest };
}

/** A new empty Dir's Dirent. */
export function emptyDir(name: Octets, meta: Meta): DirDirent {
  return { kind: 'dir', name, meta, block: EMPTY_BLOCK };
}

/** The self-contained Dirent of a node, all of it in the Store, though not flushed. */
export async function storedDirent(
  state: LiveState,
  node: LiveNode,
  name: Octets,
  options: OpOptions,
): Promise<Exclude<Dirent, IndirectDirent>> {
  if (node.sort === 'dir') {
    await storeStale(state, node, options);
    return { ...(await liftDir(state.store, state.reader, node, options)), name };
  }
  if (node.unsynced !== undefined && node.dirent.kind === 'file')
    node.dirent = { ...node.dirent, block: await node.unsynced.settle(options) };
  const { uuid: _uuid, nlink: _nlink, ...rest } = node.dirent;
  return { ...rest, name };
}

function entriesChanged(state: LiveState, dir: LiveDir): void {
  dir.markStale();
  const meta = contentChanged(dir.dirent.meta, state.nowNs());
  if (meta !== dir.dirent.meta) dir.dirent = { ...dir.dirent, meta };
}
