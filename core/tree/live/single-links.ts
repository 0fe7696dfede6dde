import type { OpOptions } from '../../base/op-options.ts';
import type { DirReader } from '../dir-reader.ts';
import type { InodeScope } from './inode-scope.ts';
import { findLoadedNode, findNode, keptDir, lookIntoDir, markScopeChanged } from './inode-scope.ts';
import { linksBelow } from './live-links.ts';
import type { HardLeaf, LiveDir, LiveLeaf, NodePlace } from './live-node.ts';
import { findEntry } from './live-node.ts';

// A node with only one name left leaves its inode table and becomes an ordinary entry under that name. So equal trees have equal
// Dirrefs, regardless of former links.

/**
 * Removes the nodes with one name from a table. Their names are mostly remembered. To find the others, it reads all names of
 * hard links in the Dir of the table and below, once for all nodes.
 */
export async function makeSingles(reader: DirReader, scope: InodeScope, options: OpOptions): Promise<void> {
  const wanted = new Set<HardLeaf>();
  for (const node of (await scope.load(reader, options)).values()) {
    if (node.hard.nlink !== 1 || node.hard.isKept === true) continue;
    const place = node.hard.known === undefined ? undefined : await knownPlace(reader, node.hard.known, node, options);
    if (place === undefined) wanted.add(node);
    else makeSingle(node, place);
  }
  if (wanted.size === 0) return;
  const places = new Map<HardLeaf, NodePlace | 'several'>();
  const uuids = new Set([...wanted].map(({ hard }) => hard.uuid));
  for await (const { dir, name, uuid } of linksBelow(reader, scope.dir, options)) {
    if (!uuids.has(uuid)) continue;
    const node = findLoadedNode(dir, uuid) ?? (await findNode(reader, dir, uuid, options));
    if (node !== undefined && wanted.has(node)) places.set(node, places.has(node) ? 'several' : { dir, name });
  }
  for (const node of wanted) {
    const place = places.get(node);
    // A wrong count is damage, which fsck reports.
    if (place === undefined || place === 'several') node.hard.isKept = true;
    else makeSingle(node, place);
  }
}

/** The only name of a node that was linked in this session, if it is remembered. */
async function knownPlace(
  reader: DirReader,
  known: readonly NodePlace[],
  node: HardLeaf,
  options: OpOptions,
): Promise<NodePlace | undefined> {
  for (const { dir, name } of known) {
    const now = await dirNow(reader, dir, options);
    if (now === undefined) continue;
    const entry = await findEntry(reader, now, name, options);
    if (entry?.sort === 'link' && entry.uuid === node.hard.uuid && (await findNode(reader, now, entry.uuid, options)) === node)
      return { dir: now, name };
  }
  return undefined;
}

/** The present Dir at the place of a Dir that was seen earlier. */
async function dirNow(reader: DirReader, dir: LiveDir, options: OpOptions): Promise<LiveDir | undefined> {
  const down: LiveDir[] = [];
  let at = dir;
  for (; at.parent !== undefined; at = at.parent) down.push(at);
  for (const { name } of down.reverse()) {
    const entry = await findEntry(reader, at, name, options);
    if (entry?.sort !== 'dir' && entry?.sort !== 'stored') return undefined;
    at = entry.sort === 'dir' ? entry : lookIntoDir(at, name, entry.dirent);
  }
  return at;
}

function makeSingle(node: HardLeaf, { dir: seen, name }: NodePlace): void {
  const { scope, uuid } = node.hard;
  const leaf: LiveLeaf = node;
  const { uuid: _uuid, nlink: _nlink, ...dirent } = leaf.dirent;
  const dir = keptDir(seen);
  scope.loaded?.delete(uuid);
  markScopeChanged(scope);
  leaf.hard = undefined;
  leaf.dirent = { ...dirent, name };
  if ((leaf.holds ?? 0) > 0) leaf.home = { dir, name };
  dir.overlay.set(name, leaf);
  dir.markStale();
}
