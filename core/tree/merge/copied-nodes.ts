import { createHash } from 'node:crypto';
import type { Octets } from '../../base/octets.ts';
import { compareOctets } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { uuidFromBytes } from '../../base/uuid.ts';
import { PendingBlocks } from '../../block/block-sink.ts';
import { storeDir } from '../../dirent/dir-codec.ts';
import type { DirDirent, Dirent } from '../../dirent/dirent.ts';
import { sameDirent } from '../../dirent/dirent-compare.ts';
import type { Store } from '../../store/store.ts';
import { DirReader } from '../dir-reader.ts';
import { linksWithin } from '../live/live-node.ts';
import type { TreePath } from '../path.ts';
import { isWithin, joinPath, ROOT_PATH } from '../path.ts';
import { readTable } from './merge-table.ts';

// A copy by reference keeps the uuids of hard links: the nodes of a Dir and of its copy differ only by their table. A link
// from the copy to the outside moves its node to a table further out. If the Dir itself was removed, only the names show whose node it is.

/** A node in a table, and its names. */
interface PlacedNode {
  readonly node: Dirent;
  readonly names: Set<TreePath>;
}

/** Nodes with the same uuid, by the Dirs whose tables they are in. */
type PlacedNodes = ReadonlyMap<TreePath, PlacedNode>;

/**
 * Separates nodes of copies from their originals before a merge. A side may have moved a node out of the table of a copy, and removed
 * the original. If the other side changed the original, the copy's node gets a uuid of its own: otherwise it would get those changes.
 *
 * @returns the side, with new uuids for such nodes, derived from the old uuids and the places
 */
export async function withoutCopiedNodes(
  store: Store,
  base: DirDirent,
  side: DirDirent,
  other: DirDirent,
  options: OpOptions,
): Promise<DirDirent> {
  const reader = new DirReader(store);
  const left = await leftTables(reader, base, side, options);
  if (left.size === 0) return side;
  const before = await placedNodes(reader, base, left, options);
  const copied = new Set([...left].filter((uuid) => (before.get(uuid)?.size ?? 0) > 1));
  if (copied.size === 0) return side;
  const here = await placedNodes(reader, side, copied, options);
  const there = await placedNodes(reader, other, copied, options);
  let separated = side;
  for (const uuid of copied) {
    const nodes = nodesOf(before, uuid);
    const mine = nodesOf(here, uuid);
    const others = nodesOf(there, uuid);
    const gone = [...nodes].filter(([, was]) => ![...mine.values()].some((node) => sharesName(node, was)));
    const changed = gone.filter(([place, was]) => {
      const now = [...others].find(([, node]) => sharesName(node, was));
      return now !== undefined && (now[0] !== place || !sameDirent(now[1].node, was.node));
    });
    if (changed.length === 0) continue;
    for (const [place, node] of mine)
      if ([...nodes.values()].some((was) => sharesName(node, was)))
        separated = await withFreshUuid(store, reader, separated, { place, uuid }, options);
  }
  return separated;
}

function nodesOf(placed: ReadonlyMap<string, PlacedNodes>, uuid: string): PlacedNodes {
  return placed.get(uuid) ?? new Map<TreePath, PlacedNode>();
}

function sharesName(one: PlacedNode, two: PlacedNode): boolean {
  return [...one.names].some((name) => two.names.has(name));
}

/** The uuids that a side no longer has in the tables of their Dirs: their nodes moved further out, or were removed. */
async function leftTables(reader: DirReader, base: DirDirent, side: DirDirent, options: OpOptions): Promise<Set<string>> {
  const left = new Set<string>();
  const ahead: { readonly before: DirDirent; readonly now: DirDirent | undefined }[] = [{ before: base, now: side }];
  for (let dir = ahead.pop(); dir !== undefined; dir = ahead.pop()) {
    const { before, now } = dir;
    if (linksWithin(before) === 0 || sameDirent(before, now)) continue;
    const kept = await readTable(reader, now?.inodes, options);
    for (const uuid of (await readTable(reader, before.inodes, options)).keys()) if (!kept.has(uuid)) left.add(uuid);
    for await (const entry of reader.entries(before.block, options)) {
      if (entry.kind !== 'dir' || linksWithin(entry) === 0) continue;
      const is = now && (await reader.find(now.block, entry.name, options));
      ahead.push({ before: entry, now: is?.kind === 'dir' ? is : undefined });
    }
  }
  return left;
}

/** Finds the nodes with some uuids in all tables of a tree, with their names. Skips Dirs without names of hard links. */
async function placedNodes(
  reader: DirReader,
  root: DirDirent,
  uuids: ReadonlySet<string>,
  options: OpOptions,
): Promise<Map<string, Map<TreePath, PlacedNode>>> {
  const found = new Map<string, Map<TreePath, PlacedNode>>();
  /** The node of names in this Dir, by uuid. */
  type Scope = ReadonlyMap<string, PlacedNode>;
  const ahead: { readonly path: TreePath; readonly dir: DirDirent; readonly scope: Scope }[] = [
    { path: ROOT_PATH, dir: root, scope: new Map() },
  ];
  for (let at = ahead.pop(); at !== undefined; at = ahead.pop()) {
    const { path, dir } = at;
    const scope = new Map(at.scope);
    for (const [uuid, node] of await readTable(reader, dir.inodes, options)) {
      if (!uuids.has(uuid)) continue;
      const placed = { node, names: new Set<TreePath>() };
      scope.set(uuid, placed);
      found.set(uuid, (found.get(uuid) ?? new Map<TreePath, PlacedNode>()).set(path, placed));
    }
    for await (const entry of reader.entries(dir.block, options)) {
      if (entry.kind === 'dir' && linksWithin(entry) > 0) ahead.push({ path: joinPath(path, entry.name), dir: entry, scope });
      if (entry.kind === 'indirect') scope.get(entry.uuid)?.names.add(joinPath(path, entry.name));
    }
  }
  return found;
}

/** Gives a node in a Dir's table, and all its names, a new uuid. */
async function withFreshUuid(
  store: Store,
  reader: DirReader,
  root: DirDirent,
  { place, uuid }: { readonly place: TreePath; readonly uuid: string },
  options: OpOptions,
): Promise<DirDirent> {
  const pending = new PendingBlocks(store.hashName);
  const fresh = uuidFromBytes(createHash('sha256').update(`${uuid} ${place}`, 'latin1').digest().subarray(0, 16));
  const withEntries = (dir: DirDirent, entries: readonly Dirent[]): DirDirent => ({
    ...dir,
    block: storeDir(pending, entries, { salt: dir.salt }),
  });
  const named = async (dir: DirDirent, isTop: boolean): Promise<DirDirent> => {
    if (linksWithin(dir) === 0) return dir;
    if (!isTop && dir.inodes !== undefined && (await reader.find(dir.inodes, uuid as Octets, options)) !== undefined) return dir;
    const entries: Dirent[] = [];
    for await (const entry of reader.entries(dir.block, options)) {
      if (entry.kind === 'dir') entries.push(await named(entry, false));
      else entries.push(entry.kind === 'indirect' && entry.uuid === uuid ? { ...entry, uuid: fresh } : entry);
    }
    return withEntries(dir, entries);
  };
  const within = async (dir: DirDirent, path: TreePath): Promise<DirDirent> => {
    if (path === place) {
      const nodes = [...(await readTable(reader, dir.inodes, options)).values()].map((node) =>
        node.uuid === uuid ? { ...node, name: fresh as Octets, uuid: fresh } : node,
      );
      const inodes = storeDir(
        pending,
        nodes.sort((a, b) => compareOctets(a.name, b.name)),
        { salt: dir.salt },
      );
      return { ...(await named(dir, true)), inodes };
    }
    const entries: Dirent[] = [];
    for await (const entry of reader.entries(dir.block, options)) {
      const below = joinPath(path, entry.name);
      const leads = entry.kind === 'dir' && isWithin(below, place);
      entries.push(leads ? await within(entry, below) : entry);
    }
    return withEntries(dir, entries);
  };
  const separated = await within(root, ROOT_PATH);
  await pending.flushTo(store, options);
  return separated;
}
