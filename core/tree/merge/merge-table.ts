import type { Octets } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { Block } from '../../block/block.ts';
import type { DirDirent, Dirent } from '../../dirent/dirent.ts';
import { sameContent, sameDirent } from '../../dirent/dirent-compare.ts';
import type { DirReader } from '../dir-reader.ts';
import { linksWithin } from '../live/live-node.ts';
import { mergeLeaves } from './merge-values.ts';

/** An inode table by uuid. */
export type InodeTable = Map<string, Dirent>;

/** The inode tables of a Dir in three states of its tree; undefined if the Dir does not exist there. */
export interface SideTables {
  readonly base: InodeTable | undefined;
  readonly ours: InodeTable | undefined;
  readonly theirs: InodeTable | undefined;
}

/** The merge of three inode tables, without counts of names yet. */
export interface MergedTable {
  readonly nodes: InodeTable;
  /** Their versions of nodes whose content both sides changed; to be put beside a name of the node. */
  readonly conflicts: InodeTable;
  /** Nodes whose metadata both sides changed; to be reported at a name of the node. */
  readonly clashes: Map<string, ClashingNode>;
  /** Nodes that one side removed, but that names may still need. */
  readonly spare: InodeTable;
  /** Nodes whose content one side changed; they are kept even if the other side removed all their names. */
  readonly changed: readonly ChangedNode[];
  /** A former name of each node, if the merge has seen one. */
  readonly names: Map<string, Octets>;
}

/** Three states of a node whose metadata both sides changed. */
export interface ClashingNode {
  readonly base: Dirent | undefined;
  readonly ours: Dirent;
  readonly theirs: Dirent;
}

/** A hard-linked node whose content one side changed. */
export interface ChangedNode {
  readonly uuid: string;
  readonly node: Dirent;
  readonly by: 'us' | 'them';
}

const NO_TABLE: InodeTable = new Map();

/** Reads a whole table; a missing table is empty. */
export async function readTable(reader: DirReader, inodes: Block | undefined, options?: OpOptions): Promise<InodeTable> {
  const table: InodeTable = new Map();
  if (inodes === undefined) return table;
  for await (const node of reader.entries(inodes, options)) table.set(node.uuid ?? node.name, node);
  return table;
}

/** Merges three tables node by node; a change takes precedence over a removal. */
export function mergeTables(tables: SideTables): MergedTable {
  const { base = NO_TABLE, ours = NO_TABLE, theirs = NO_TABLE } = tables;
  const changed = [...changedNodes(base, ours, 'us'), ...changedNodes(base, theirs, 'them')];
  const spare = new Map([...base, ...theirs, ...ours]);
  const merged: MergedTable = { nodes: new Map(), conflicts: new Map(), clashes: new Map(), spare, changed, names: new Map() };
  for (const uuid of new Set([...base.keys(), ...ours.keys(), ...theirs.keys()])) {
    const before = base.get(uuid);
    const mine = ours.get(uuid);
    const other = theirs.get(uuid);
    if (mine === undefined || other === undefined) {
      const kept = mine ?? other;
      if (kept !== undefined && !sameDirent(kept, before)) merged.nodes.set(uuid, kept);
      continue;
    }
    const found = mergeLeaves(before, mine, other);
    merged.nodes.set(uuid, found?.node ?? mine);
    if (found === undefined) merged.conflicts.set(uuid, other);
    else if (found.clashes.length > 0) merged.clashes.set(uuid, { base: before, ours: mine, theirs: other });
  }
  return merged;
}

/**
 * Finds the uuids that refer to a node in the Dir's own table in one state, but to a node further out in another state. A copy by
 * reference keeps the uuids, so if a copy has replaced a Dir, a merge would mix the names of both. Returns, for each state, the uuids
 * that it has further out. Excluded are nodes that only moved outwards because of a link to the outside.
 *
 * @param outer - tables of the Dirs above, in any order
 */
export function mixedNodes(tables: SideTables, outer: readonly SideTables[]): ReadonlyMap<keyof SideTables, readonly string[]> {
  const sides = (['base', 'ours', 'theirs'] as const).filter((side) => tables[side] !== undefined);
  const isOuter = (side: keyof SideTables, uuid: string): boolean => outer.some((above) => above[side]?.has(uuid) === true);
  const uuids = new Set(outer.length === 0 ? [] : sides.flatMap((side) => [...(tables[side]?.keys() ?? [])]));
  const mixed = [...uuids].filter((uuid) => tables.base?.has(uuid) !== true || isOuter('base', uuid));
  const further = (side: keyof SideTables): string[] => mixed.filter((uuid) => tables[side]?.has(uuid) !== true && isOuter(side, uuid));
  return new Map(sides.map((side) => [side, further(side)]));
}

function changedNodes(base: InodeTable, side: InodeTable, by: ChangedNode['by']): ChangedNode[] {
  const found: ChangedNode[] = [];
  for (const [uuid, node] of side) {
    const before = base.get(uuid);
    if (before !== undefined && !sameContent(before, node)) found.push({ uuid, node, by });
  }
  return found;
}

/**
 * Counts the names in a stored Dir and below, by uuid, that refer to its own table or to tables above. Skips Dirs without
 * names of hard links. Depth uses no stack.
 */
export async function countNames(reader: DirReader, top: DirDirent, options?: OpOptions): Promise<Map<string, number>> {
  interface Inner {
    readonly dirent: DirDirent;
    readonly parent: Inner | undefined;
  }
  const counts = new Map<string, number>();
  const ahead: Inner[] = [{ dirent: top, parent: undefined }];
  for (let dir = ahead.pop(); dir !== undefined; dir = ahead.pop()) {
    for await (const dirent of reader.entries(dir.dirent.block, options)) {
      if (dirent.kind === 'dir' && linksWithin(dirent) > 0) ahead.push({ dirent, parent: dir });
      if (dirent.kind !== 'indirect') continue;
      let isInner = false;
      for (let at: Inner = dir; at.parent !== undefined && !isInner; at = at.parent) {
        isInner = at.dirent.inodes !== undefined && (await reader.find(at.dirent.inodes, dirent.uuid as Octets, options)) !== undefined;
      }
      if (!isInner) counts.set(dirent.uuid, (counts.get(dirent.uuid) ?? 0) + 1);
    }
  }
  return counts;
}
