import { joinPath } from '../path.ts';
import type { TreeChange } from '../tree.ts';
import type { Place } from './live-changes.ts';
import type { LiveDir } from './live-node.ts';
import type { LiveNode, LiveState } from './live-state.ts';
import { type NodeChange, nodePath } from './node-change.ts';

// Reports changes of nodes to the watchers of the tree and to its log.

/** Reports a change at a place to the watchers. @param by - the caller that made it, which gets no report */
export function tellPlace({ changes }: LiveState, place: Place, kind: TreeChange['kind'], by: object): void {
  if (changes.isWatched) changes.emit({ kind, path: place.path }, by);
}

/** Reports a change of a node to the watchers, if the node has a name. */
export function tellNode({ changes }: LiveState, node: LiveNode, kind: TreeChange['kind'], by: object): void {
  if (!changes.isWatched) return;
  const path = node.sort === 'dir' ? node.path() : node.home === undefined ? undefined : joinPath(node.home.dir.path(), node.home.name);
  if (path !== undefined) changes.emit({ kind, path }, by);
}

/** Logs a change. @param dir - the changed Dir; its mtime is the time of the change */
export function logChange({ log, nowNs }: LiveState, dir: LiveDir, node: LiveNode, change: NodeChange): void {
  log?.note(change, dir.dirent.meta.mtimeNs ?? nowNs(), node);
}

/** Logs a change of a node's metadata. */
export function logMeta({ log, nowNs }: LiveState, node: LiveNode): void {
  const path = log === undefined ? 'none' : nodePath(node);
  if (path === undefined) log?.lose();
  else if (path !== 'none') log?.note({ kind: 'meta', path, meta: node.dirent.meta }, nowNs(), node);
}
