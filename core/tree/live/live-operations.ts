import { PathError } from '../../base/errors.ts';
import type { Octets } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { Block } from '../../block/block.ts';
import { EMPTY_BLOCK, UNKNOWN_SPAN } from '../../block/block.ts';
import { withSpan } from '../../block/tree-walk.ts';
import type { Dirent, IndirectDirent } from '../../dirent/dirent.ts';
import { sameDirent } from '../../dirent/dirent-compare.ts';
import type { Meta } from '../../dirent/meta.ts';
import type { Store } from '../../store/store.ts';
import { applyMetaChange, contentChanged, nodeChanged } from '../meta-change.ts';
import type { TreePath } from '../path.ts';
import { checkEntryName } from '../path.ts';
import type { LookupOptions, MetaChange, WriteOptions } from '../tree.ts';
import type { Place } from './live-changes.ts';
import {
  changeDir,
  changeLeaf,
  checkReplace,
  dropEntry,
  existingPlace,
  isEmptyDir,
  linkEntry,
  moveEntry,
  newPlace,
  nodeOf,
  placeOf,
  putEntry,
  storedDirent,
} from './live-changes.ts';
import type { UnsyncedContent } from './live-node.ts';
import type { LiveNode, LiveState } from './live-state.ts';
import { liveRoot, resolveLive } from './live-state.ts';

// The operations that change a live tree, named after the methods of `Tree` that they implement. The caller
// holds the tree's lock.

/** A Dirent that is not just the name of a hard link. */
export type NodeDirent = Exclude<Dirent, IndirectDirent>;

/** Puts a Dirent at a path; see `Tree.bind`. At the root it replaces the whole tree except for its name. */
export async function bind(state: LiveState, path: TreePath, given: NodeDirent, options: OpOptions): Promise<void> {
  const dirent = await withKnownSpan(state.store, given, options);
  const place = await placeOf(state, path, 'bind', options);
  if (place === undefined) {
    if (dirent.kind !== 'dir') throw new PathError('ENOTDIR', 'bind', path);
    state.root = liveRoot({ ...dirent, name: state.root.dirent.name });
  } else {
    checkEntryName(place.name, 'bind', path);
    if (place.node !== undefined) {
      if (standsAlready(place.node, dirent)) return;
      await dropEntry(state, place, options);
    }
    putEntry(state, place, nodeOf(state, place, dirent));
  }
  state.changes.emit({ kind: 'names', path: place?.path ?? path });
}

/** Makes a new entry: `mkdir`, `symlink`. */
export async function create(
  state: LiveState,
  path: TreePath,
  action: string,
  make: (name: Octets) => NodeDirent,
  options: OpOptions,
): Promise<void> {
  const place = await newPlace(state, path, action, options);
  putEntry(state, place, nodeOf(state, place, make(place.name)));
  state.changes.emit({ kind: 'names', path: place.path });
}

/** Adds a name for a node that is no Dir; see `Tree.link`. */
export async function link(state: LiveState, existing: TreePath, path: TreePath, options: OpOptions): Promise<void> {
  const from = await existingPlace(state, existing, 'link', options);
  const to = await newPlace(state, path, 'link', options);
  const { node } = from;
  if (node.sort === 'dir') throw new PathError('EPERM', 'link', existing);
  await linkEntry(state, { ...from, node }, to, options);
  state.changes.emit({ kind: 'names', path: to.path });
}

/** Removes a name; see `Tree.remove`. */
export async function remove(state: LiveState, path: TreePath, options: OpOptions & { readonly recursive?: boolean }): Promise<void> {
  const place = await existingPlace(state, path, 'remove', options);
  if (options.recursive !== true && place.node.sort === 'dir' && !(await isEmptyDir(state, place.node))) {
    throw new PathError('ENOTEMPTY', 'remove', path);
  }
  await dropEntry(state, place, options);
  state.changes.emit({ kind: 'names', path: place.path });
}

/** Moves an entry as rename(2) does; see `Tree.rename`. */
export async function rename(state: LiveState, from: TreePath, to: TreePath, options: OpOptions): Promise<void> {
  const source = await existingPlace(state, from, 'rename', options);
  const target = await placeOf(state, to, 'rename', options);
  if (target === undefined) throw new PathError('ENOTEMPTY', 'rename', to);
  checkEntryName(target.name, 'rename', to);
  if (target.node?.id === source.node.id) return;
  // Check in the order of Linux: first whether one contains the other, then their sorts.
  if (source.node.sort === 'dir' && target.dir.isWithin(source.node)) throw new PathError('EINVAL', 'rename', from);
  if (target.node?.sort === 'dir' && source.dir.isWithin(target.node)) throw new PathError('ENOTEMPTY', 'rename', to);
  await checkReplace(state, source.node, target.node, 'rename', to);
  if (target.node !== undefined) await dropEntry(state, target, options);
  await moveEntry(state, source, target, options);
  state.changes.emit({ kind: 'names', path: source.path });
  state.changes.emit({ kind: 'names', path: target.path });
}

/** Copies by reference; see `Tree.copy`. */
export async function copy(state: LiveState, from: TreePath, to: TreePath, options: OpOptions): Promise<void> {
  const { node } = await resolveLive(state, from, { follow: false, keep: true, action: 'copy' }, options);
  if (node === undefined) throw new PathError('ENOENT', 'copy', from);
  const target = await placeOf(state, to, 'copy', options);
  if (target === undefined || target.node?.id === node.id) throw new PathError('EINVAL', 'copy', from);
  checkEntryName(target.name, 'copy', to);
  if (node.sort === 'dir' && target.dir.isWithin(node)) throw new PathError('EINVAL', 'copy', from);
  await checkReplace(state, node, target.node, 'copy', to);
  const dirent = await storedDirent(state, node, target.name, options);
  if (target.node !== undefined) await dropEntry(state, target, options);
  putEntry(state, target, nodeOf(state, target, dirent));
  state.changes.emit({ kind: 'names', path: target.path });
}

/** Changes metadata; see `Tree.setMeta`. */
export async function setMeta(state: LiveState, path: TreePath, change: MetaChange, options: LookupOptions): Promise<void> {
  const { node, place } = await placed(state, path, 'change', options.follow ?? true, options);
  const meta = applyMetaChange(nodeChanged(node.dirent.meta, state.nowNs()), change);
  if (node.sort === 'dir') changeDir(node, { ...node.dirent, meta });
  else if (place !== undefined) changeLeaf(place, node, { ...node.dirent, meta });
  state.changes.emit({ kind: 'meta', path: place?.path ?? path });
}

/** Sets or removes the salt of a Dir; see `LiveTree.setSalt`. */
export async function setSalt(state: LiveState, path: TreePath, salt: Uint8Array | undefined, options: OpOptions): Promise<void> {
  const { node, place } = await placed(state, path, 'salt', true, options);
  if (node.sort !== 'dir') throw new PathError('ENOTDIR', 'salt', path);
  const { salt: _salt, ...rest } = node.dirent;
  changeDir(node, { ...rest, ...(salt === undefined ? {} : { salt: Uint8Array.from(salt) }) });
  if (node.scope !== undefined) node.scope.changed = true;
  node.markStale();
  state.changes.emit({ kind: 'meta', path: place?.path ?? path });
}

/** The place to write a file's content to; follows a symlink, even to a path that does not exist yet. */
export async function writablePlace(state: LiveState, path: TreePath, options: OpOptions): Promise<Place> {
  const place = await placeOf(state, path, 'write', options, true);
  if (place === undefined || place.node?.sort === 'dir') throw new PathError('EISDIR', 'write', path);
  if (place.node !== undefined && place.node.dirent.kind !== 'file') throw new PathError('EINVAL', 'write', path);
  checkEntryName(place.name, 'write', path);
  return place;
}

/** Stores the present content of a file and returns its Block; the empty Block if the file does not exist. */
export async function contentBlock(state: LiveState, path: TreePath, options: OpOptions): Promise<Block> {
  const { node } = await writablePlace(state, path, options);
  if (node?.sort !== 'leaf' || node.dirent.kind !== 'file') return EMPTY_BLOCK;
  return node.unsynced === undefined ? node.dirent.block : await node.unsynced.settle(options);
}

/** Sets the content of a file; creates it if it does not exist. */
export async function write(state: LiveState, path: TreePath, block: Block, meta: Meta, options: WriteOptions): Promise<void> {
  const place = await writablePlace(state, path, options);
  const { node } = place;
  if (node !== undefined && options.onlyNew === true) throw new PathError('EEXIST', 'write', path);
  if (node?.sort === 'leaf' && node.dirent.kind === 'file') {
    const changed = contentChanged(node.dirent.meta, meta.mtimeNs ?? state.nowNs());
    node.unsynced = undefined;
    changeLeaf(place, node, { ...node.dirent, block, meta: changed });
  } else putEntry(state, place, nodeOf(state, place, { kind: 'file', name: place.name, meta, block }));
  state.changes.emit({ kind: node === undefined ? 'names' : 'content', path: place.path });
}

/** Attaches unsettled content to a file; see `LiveTree.attach`. */
export async function attach(state: LiveState, path: TreePath, content: UnsyncedContent, meta: Meta, options: OpOptions): Promise<void> {
  const place = await writablePlace(state, path, options);
  let { node } = place;
  if (node === undefined) {
    node = nodeOf(state, place, { kind: 'file', name: place.name, meta, block: EMPTY_BLOCK });
    putEntry(state, place, node);
  }
  if (node.sort !== 'leaf') return;
  node.unsynced = content;
  changeLeaf(place, node, node.dirent);
  state.changes.emit({ kind: 'content', path: place.path });
}

/** Finds an existing node, which stays open, and its place unless it is the root. */
async function placed(
  state: LiveState,
  path: TreePath,
  action: string,
  follow: boolean,
  options: OpOptions,
): Promise<{ readonly node: LiveNode; readonly place: Place | undefined }> {
  const place = await placeOf(state, path, action, options, follow);
  if (place === undefined) return { node: state.root, place };
  if (place.node === undefined) throw new PathError('ENOENT', action, path);
  return { node: place.node, place };
}

/** Adds the span to a Dirent's Block: textual references may lack it, entries of Dirs may not. */
async function withKnownSpan(store: Store, dirent: NodeDirent, options: OpOptions): Promise<NodeDirent> {
  if ((dirent.kind !== 'file' && dirent.kind !== 'dir') || dirent.block.span !== UNKNOWN_SPAN) return dirent;
  return { ...dirent, block: await withSpan(store, dirent.block, options.signal) };
}

/** Whether binding a Dirent would change nothing. Then putting the same again does not change the Dir's mtime. */
function standsAlready(node: LiveNode, dirent: NodeDirent): boolean {
  if (node.sort === 'dir' ? node.stale : node.hard !== undefined || node.unsynced !== undefined) return false;
  return sameDirent(node.dirent, dirent);
}
