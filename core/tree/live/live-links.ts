import type { Octets } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { DirReader } from '../dir-reader.ts';
import { findNode, keptDir, lookIntoDir, markScopeChanged, scopesAbove } from './inode-scope.ts';
import type { HardLeaf, LiveDir } from './live-node.ts';
import { entriesOf, linksWithin } from './live-node.ts';

// What happens to hard links when names are moved or removed. A node is in the table of one Dir; all of its names are in
// that Dir or below, and no table in between has its uuid.

/** The parts of the tree that these operations use. */
export interface LinkContext {
  readonly reader: DirReader;
  readonly newUuid: () => string;
}

/** A name of a hard link. */
export interface LinkPlace {
  readonly dir: LiveDir;
  readonly name: Octets;
  readonly uuid: string;
}

/** Yields all names of hard links in `top` and below; skips Dirs without any. The Dirs are read-only: change {@link keptDir} instead. */
export async function* linksBelow(reader: DirReader, top: LiveDir, options?: OpOptions): AsyncGenerator<LinkPlace> {
  const ahead = top.mayHoldLinks() ? [top] : [];
  for (let dir = ahead.pop(); dir !== undefined; dir = ahead.pop()) {
    for await (const { name, entry } of entriesOf(reader, dir, options)) {
      if (entry.sort === 'link') yield { dir, name, uuid: entry.uuid };
      else if (entry.sort === 'dir' && entry.mayHoldLinks()) ahead.push(entry);
      else if (entry.sort === 'stored' && linksWithin(entry.dirent) > 0) ahead.push(lookIntoDir(dir, name, entry.dirent));
    }
  }
}

/** Counts, for each node in tables above `top`, its names in `top` and below. */
export async function outerLinks(reader: DirReader, top: LiveDir, options?: OpOptions): Promise<Map<HardLeaf, number>> {
  const counts = new Map<HardLeaf, number>();
  for await (const place of linksBelow(reader, top, options)) {
    const node = await findNode(reader, place.dir, place.uuid, options);
    // A name without a node is damage, which fsck reports; ignore it here.
    if (node === undefined || node.hard.scope.dir.isWithin(top)) continue;
    counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  return counts;
}

/** Removes a number of names from a node. If none is left, the node leaves its table. */
export function dropNames(node: HardLeaf, names: number): void {
  const { scope, uuid } = node.hard;
  node.hard.nlink -= names;
  node.hasLost = true;
  node.hard.isKept = false;
  if (node.hard.nlink <= 0) scope.loaded?.delete(uuid);
  markScopeChanged(scope);
}

/**
 * Makes sure that a name of `node` in `dir` refers to that node. If no table above `dir` has the node, or a nearer table has
 * another node with its uuid, the node moves to the nearest table above both. It gets a new uuid if a table in between has
 * another node with the same uuid, or if a table further out has one, which it would hide.
 */
export async function makeReachable(context: LinkContext, node: HardLeaf, dir: LiveDir, options?: OpOptions): Promise<void> {
  if ((await findNode(context.reader, dir, node.hard.uuid, options)) === node) return;
  const home = node.hard.scope;
  const above = scopesAbove(dir);
  const fromHome = scopesAbove(home.dir);
  const target = fromHome.find((scope) => above.includes(scope));
  if (target === undefined) throw new Error('move hard link: the Dirs are of different trees');
  const elsewhere = new Set(home === target ? above.slice(0, above.indexOf(target)) : [...fromHome.slice(1), ...above]);
  for (const scope of elsewhere) {
    if (!(await scope.load(context.reader, options)).has(node.hard.uuid)) continue;
    await renameNode(context, node, options);
    break;
  }
  if (home === target) return;
  const nodes = await target.load(context.reader, options);
  home.loaded?.delete(node.hard.uuid);
  nodes.set(node.hard.uuid, node);
  node.hard.scope = target;
  markScopeChanged(home);
  markScopeChanged(target);
}

/** Gives a node a new uuid in its table and in all its names. */
async function renameNode(context: LinkContext, node: HardLeaf, options: OpOptions | undefined): Promise<void> {
  const { scope, uuid } = node.hard;
  const places: LinkPlace[] = [];
  for await (const place of linksBelow(context.reader, scope.dir, options)) {
    if (place.uuid === uuid && (await findNode(context.reader, place.dir, uuid, options)) === node) places.push(place);
  }
  const nodes = await scope.load(context.reader, options);
  const fresh = context.newUuid();
  for (const place of places) {
    const dir = keptDir(place.dir);
    dir.overlay.set(place.name, { sort: 'link', uuid: fresh });
    dir.markStale();
  }
  nodes.delete(uuid);
  nodes.set(fresh, node);
  node.hard.uuid = fresh;
  markScopeChanged(scope);
}
