import { joinPath } from '../path.ts';
import type { TreeChange } from '../tree.ts';
import type { Place } from './live-changes.ts';
import type { LiveDir } from './live-node.ts';
import type { LiveNode, LiveState } from './live-state.ts';
import { type NodeChange, nodePath } from './node-change.ts';

// Who gets a change to a node: the watchers of the tree, and its log.

/** Tells the watchers of a change at a place. @param by - who made it; gets no report */
export function tellPlace({ changes }: LiveState, place: Place, kind: TreeChange['kind'], by: object): void {
  if (changes.isWatched) changes.emit({ kind, path: place.path }, by);
}

/** Tells the watchers of a change to a node, where it has a name. */
export function tellNode({ changes }: LiveState, node: LiveNode, kind: TreeChange['kind'], by: object): void {
  if (!changes.isWatched) return;
  const path = node.sort === 'dir' ? node.path() : node.home === undefined ? undefined : joinPath(node.home.dir.path(), node.home.name);
  if (path !== undefined) changes.emit({ kind, path }, by);
}

/** Logs a change. @param dir - the Dir that has changed, which has the time of that */
export function logChange({ log, nowNs }: LiveState, dir: LiveDir, node: LiveNode, change: NodeChange): void {
  log?.note(change, dir.dirent.meta.mtimeNs ?? nowNs(), node);
}

/** Logs that a node has other metadata. */
export function logMeta({ log, nowNs }: LiveState, node: LiveNode): void {
  const path = log === undefined ? 'none' : nodePath(node);
  if (path === undefined) log?.lose();
  else if (path !== 'none') log?.note({ kind: 'meta', path, meta: node.dirent.meta }, nowNs(), node);
}
