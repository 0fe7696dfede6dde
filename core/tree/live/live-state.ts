import { VtError } from '../../base/errors.ts';
import type { Octets } from '../../base/octets.ts';
import { octetsToText } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { Block } from '../../block/block.ts';
import type { ContentHint } from '../../blockify/parser.ts';
import type { DirDirent } from '../../dirent/dirent.ts';
import { EMPTY_ROOT } from '../../dirent/empty-root.ts';
import type { Store } from '../../store/store.ts';
import type { ChangeFeed } from '../change-feed.ts';
import type { DirReader } from '../dir-reader.ts';
import type { NodeIds } from '../node-id.ts';
import { ROOT_ID } from '../node-id.ts';
import type { TreePath } from '../path.ts';
import { joinPath } from '../path.ts';
import type { Resolved } from '../resolve.ts';
import { resolvePath } from '../resolve.ts';
import type { TreeEntry } from '../tree.ts';
import { findLoadedNode, findNode, InodeScope, keptDir, liveDir, lookIntoDir, openStoredDir } from './inode-scope.ts';
import type { LeftOut } from './left-out.ts';
import type { LiveDir, LiveLeaf, RawEntry } from './live-node.ts';
import { findEntry } from './live-node.ts';
import type { ChangeLog } from './node-change.ts';

/** Options for storing a content. */
export interface StoreContentOptions extends OpOptions {
  /** A hint for choosing the parser, besides the first octets. */
  readonly hint: ContentHint;
}

/** The shared state of the operations on one live tree. */
export interface LiveState {
  readonly store: Store;
  readonly reader: DirReader;
  readonly ids: NodeIds;
  readonly changes: ChangeFeed;
  /** Returns the time for changes, in ns since 1970. */
  nowNs: () => bigint;
  /** Changed entries of the root set its mtime, recorded before or not: programs look for it. */
  timesRoot: boolean;
  readonly newUuid: () => string;
  readonly storeContent: (content: AsyncIterable<Uint8Array>, options: StoreContentOptions) => Promise<Block>;
  root: LiveDir;
  /** Decides which names are never stored. */
  leftOut: LeftOut | undefined;
  /** Receives each change. */
  log: ChangeLog | undefined;
}

/** A node of a live tree. */
export type LiveNode = LiveDir | LiveLeaf;

/** Makes the root of a live tree, which always has an inode table. */
export function liveRoot(dirent: DirDirent | undefined): LiveDir {
  const root = liveDir(ROOT_ID, undefined, '' as Octets, dirent ?? EMPTY_ROOT);
  root.scope ??= new InodeScope(root);
  return root;
}

/**
 * Walks a path; see `resolvePath`.
 *
 * @param keep - Dirs on the way stay open in the tree, so that they can be changed; otherwise unchanged ones
 *   are forgotten again
 */
export function resolveLive(
  state: LiveState,
  path: TreePath,
  how: { readonly follow: boolean; readonly keep: boolean; readonly action: string },
  options: OpOptions = {},
): Promise<Resolved<LiveNode>> {
  const { follow, keep, action } = how;
  return resolvePath<LiveNode>(
    {
      root: state.root,
      kind: (node) => (node.sort === 'dir' ? 'dir' : node.dirent.kind === 'symlink' ? 'symlink' : 'other'),
      child: (dir, name) => {
        if (dir.sort !== 'dir') return undefined;
        const over = dir.overlay.get(name);
        return over?.sort === 'dir' || over?.sort === 'leaf' ? over : childNode(state, dir, name, keep, options);
      },
      target: (node) => (node.sort === 'leaf' && node.dirent.kind === 'symlink' ? node.dirent.target : ('' as Octets)),
    },
    path,
    follow,
    action,
  );
}

async function childNode(state: LiveState, dir: LiveDir, name: Octets, keep: boolean, options: OpOptions): Promise<LiveNode | undefined> {
  const entry = await findEntry(state.reader, dir, name, options);
  return entry === undefined ? undefined : await openEntry(state, dir, { name, entry }, keep, options);
}

/** Resolves an entry to its node: finds the node of a hard link in its table, and opens a stored Dir. */
export async function openEntry(state: LiveState, dir: LiveDir, raw: RawEntry, keep: boolean, options?: OpOptions): Promise<LiveNode> {
  const { name, entry } = raw;
  switch (entry.sort) {
    case 'dir':
    case 'leaf':
      return entry;
    case 'link': {
      const node = await findNode(state.reader, dir, entry.uuid, options);
      if (node === undefined) throw danglingLink(joinPath(dir.path(), name), entry.uuid);
      return node;
    }
    case 'stored':
      return keep ? openStoredDir(keptDir(dir), name, entry.dirent) : lookIntoDir(dir, name, entry.dirent);
  }
}

/** As {@link openEntry} with `keep`, if nothing has to be read; else undefined. */
export function openEntryNow(dir: LiveDir, { name, entry }: RawEntry): LiveNode | undefined {
  switch (entry.sort) {
    case 'dir':
    case 'leaf':
      return entry;
    case 'link':
      return findLoadedNode(dir, entry.uuid);
    case 'stored':
      return openStoredDir(keptDir(dir), name, entry.dirent);
  }
}

/** The error for a name whose node is in no inode table. */
export function danglingLink(path: TreePath, uuid: string): VtError {
  return new VtError('ECORRUPT', `look up "${octetsToText(path)}": no inode table has its node ${uuid}`);
}

/** Makes the tree entry of a node under a name. */
export function treeEntry(path: TreePath, name: Octets, node: LiveNode): TreeEntry {
  return { path, ...entryFields(name, node) };
}

/** The same for a node in the Dir at `parent`; its path is built at each access. */
export function listedEntry(parent: TreePath, fields: Omit<TreeEntry, 'path'>): TreeEntry {
  return {
    get path() {
      return joinPath(parent, fields.name);
    },
    ...fields,
  };
}

/** The fields of a tree entry without its path. */
export function entryFields(name: Octets, node: LiveNode): Omit<TreeEntry, 'path'> {
  if (node.sort === 'dir') {
    const stale = node.stale ? { isStale: true } : {};
    return { name, dirent: { ...node.dirent, name }, size: 0, nlink: 1, ...stale, id: node.id };
  }
  const dirent =
    node.hard === undefined ? { ...node.dirent, name } : { ...node.dirent, name, uuid: node.hard.uuid, nlink: node.hard.nlink };
  return { name, dirent, size: leafSize(node), nlink: node.hard?.nlink ?? 1, id: node.id };
}

function leafSize(node: LiveLeaf): number {
  const { dirent } = node;
  if (dirent.kind === 'file') return node.unsynced?.size ?? Math.max(0, dirent.block.span);
  return dirent.kind === 'symlink' ? dirent.target.length : 0;
}
