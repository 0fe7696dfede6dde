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

// The primitive changes of entries that all operations use. The caller holds the tree's lock.

/** Maximum number of names that are remembered for a hard-linked node. */
const MAX_KNOWN_NAMES = 4;

/** A place in a tree for an entry: a Dir and a name, and the entry there now. */
export interface Place {
  readonly dir: LiveDir;
  readonly name: Octets;
  readonly node: LiveNode | undefined;
  /** With symlinks resolved. */
  readonly path: TreePath;
}

/** Finds the place of a path whose parent exists; undefined for the root. Dirs on the way stay open. */
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

/** As {@link placeOf}, for an existing entry. @throws {PathError} EINVAL for the root, ENOENT if there is no entry, and others */
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

/** As {@link placeOf} for a new entry. @throws {PathError} EEXIST for the root or an existing entry, EINVAL or ENAMETOOLONG for the name */
export async function newPlace(state: LiveState, path: TreePath, action: string, options: OpOptions): Promise<Place> {
  const place = await placeOf(state, path, action, options);
  if (place === undefined || place.node !== undefined) throw new PathError('EEXIST', action, path);
  checkEntryName(place.name, action, path);
  return place;
}

/** Refuses replacements like rename(2). @throws {PathError} EISDIR, ENOTDIR if only one is a Dir; ENOTEMPTY for a non-empty Dir */
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

/** Puts a node at a place, which must be free; a Dir or leaf must not be anywhere else. */
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

/** Removes the entry at a place; also removes its names, and those below it, from the nodes of hard links. */
export async function dropEntry(state: LiveState, place: Place, options: OpOptions): Promise<void> {
  const { node } = place;
  if (node?.sort === 'dir') {
    const outer = await outerLinks(state.reader, node, options);
    for (const [hardLeaf, names] of outer) dropNames(hardLeaf, names);
    // Nodes that were moved out of it keep their ids, which derive from its id.
    state.ids.leave(node.id);
    node.gone = true;
    clearEntry(state, place);
  } else dropLeaf(state, place, node);
}

/** As {@link dropEntry}, for a node that is no Dir. */
export function dropLeaf(state: LiveState, place: Place, node: LiveLeaf | undefined): void {
  if (node !== undefined && isHard(node)) {
    node.dirent = { ...node.dirent, meta: nodeChanged(node.dirent.meta, state.nowNs()) };
    dropNames(node, 1);
    markScopeChanged(node.hard.scope);
  } else if (node !== undefined && isHeld(node)) {
    // Its holders keep using it, so a new node with the same name needs a different id.
    state.ids.leave(node.id);
    node.dirent = { ...node.dirent, meta: nodeChanged(node.dirent.meta, state.nowNs()) };
    node.home = undefined;
    node.hasLost = true;
  }
  clearEntry(state, place);
}

/** Clears a place without changing the node. */
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

/** Exchanges two entries; neither may contain the other. */
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

/** Updates a remembered name of a node with several names. */
function noteMoved(node: LiveNode, from: NodePlace, to: NodePlace): void {
  if (node.sort !== 'leaf' || node.hard?.known === undefined) return;
  const { known } = node.hard;
  const at = known.findIndex(({ dir, name }) => dir === from.dir && name === from.name);
  if (at >= 0) known[at] = { dir: to.dir, name: to.name };
}

/** Remembers a new name of a node; of many names, the first and the newest are kept. */
function noteName({ hard }: HardLeaf, { dir, name }: NodePlace): void {
  hard.isKept = false;
  if (hard.known === undefined) return;
  hard.known.push({ dir, name });
  if (hard.known.length > MAX_KNOWN_NAMES) hard.known.splice(1, 1);
}

/** Makes sure that an entry, and names of hard links below it, refer to the same nodes after a move to another Dir. */
export async function makeMovable(state: LiveState, node: LiveNode, from: LiveDir, to: LiveDir, options: OpOptions): Promise<void> {
  state.ids.leave(node.id);
  if (from === to) return;
  if (node.sort === 'dir') {
    for (const hardLeaf of (await outerLinks(state.reader, node, options)).keys()) await makeReachable(state, hardLeaf, to, options);
  } else if (isHard(node)) await makeReachable(state, node, to, options);
}

/** Adds a name at a free place for a leaf. */
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
  // Find the nearest table above both names; the root always has one.
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

/** Whether a node is held beyond one operation. */
function isHeld(node: LiveNode): boolean {
  return (node.holds ?? 0) > 0;
}

/** Whether a node is in an inode table. */
export function isHard(node: LiveNode): node is HardLeaf {
  return node.sort === 'leaf' && node.hard !== undefined;
}

/** Replaces the Dirent of a leaf in place. */
export function changeLeaf(place: Place, leaf: LiveLeaf, dirent: LeafDirent): void {
  leaf.dirent = dirent;
  if (isHard(leaf)) markScopeChanged(leaf.hard.scope);
  else {
    place.dir.overlay.set(place.name, leaf);
    place.dir.markStale();
  }
}

/** Changes the metadata or salt of a Dir. That makes its parent's Block out of date, but not its own. */
export function changeDir(dir: LiveDir, dirent: DirDirent): void {
  dir.dirent = dirent;
  dir.parent?.markStale();
}

/** Sets the ctime of a renamed node to now, if it records one. */
export function renamed(state: LiveState, node: LiveNode): void {
  const meta = nodeChanged(node.dirent.meta, state.nowNs());
  if (node.sort === 'dir') node.dirent = { ...node.dirent, meta };
  else {
    node.dirent = { ...node.dirent, meta };
    if (isHard(node)) markScopeChanged(node.hard.scope);
  }
}

/** Makes a live node from a Dirent, not in the tree yet; drops hard-link uuids. */
export function nodeOf(state: LiveState, place: Place, dirent: Exclude<Dirent, IndirectDirent>): LiveNode {
  const id = state.ids.fresh(place.dir.id, place.name);
  if (dirent.kind === 'dir') return liveDir(id, place.dir, place.name, dirent);
  const { uuid: _uuid, nlink: _nlink, ...rest } = dirent;
  return { sort: 'leaf', id, dirent: rest };
}

/** Makes the Dirent of a new empty Dir. */
export function emptyDir(name: Octets, meta: Meta): DirDirent {
  return { kind: 'dir', name, meta, block: EMPTY_BLOCK };
}

/** Stores a node without flushing, and returns its self-contained Dirent. */
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
  const nowNs = state.nowNs();
  const isNewTime = state.timesRoot && dir === state.root && dir.dirent.meta.mtimeNs === undefined;
  const meta = isNewTime ? { ...dir.dirent.meta, mtimeNs: nowNs } : contentChanged(dir.dirent.meta, nowNs);
  if (meta !== dir.dirent.meta) dir.dirent = { ...dir.dirent, meta };
}
