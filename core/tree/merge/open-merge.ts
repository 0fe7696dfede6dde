import type { Dirent } from '../../dirent/dirent.ts';
import type { MergedTable, SideTables } from './merge-table.ts';

// The inode tables of the Dirs on the path of a merge: a name refers to the node in the innermost table that has it.

/** The running merge of one Dir. */
export interface OpenMerge {
  readonly sides: SideTables;
  readonly table: MergedTable;
  readonly parent: OpenMerge | undefined;
}

/** Notes a name that a node had before the merge, at the node's table. */
export function noteName(open: OpenMerge, dirent: Dirent | undefined): void {
  if (dirent?.kind !== 'indirect') return;
  let at: OpenMerge | undefined = open;
  while (at !== undefined && !at.table.spare.has(dirent.uuid)) at = at.parent;
  at?.table.names.set(dirent.uuid, dirent.name);
}

/** Whether a table above has a node with this uuid, so that names below refer to that one. */
export function isFurtherOut(open: OpenMerge | undefined, uuid: string): boolean {
  for (let at = open; at !== undefined; at = at.parent) if (at.table.nodes.has(uuid)) return true;
  return false;
}

/** The tables of all sides, innermost first. */
export function sidesAbove(open: OpenMerge | undefined): SideTables[] {
  const above: SideTables[] = [];
  for (let at = open; at !== undefined; at = at.parent) above.push(at.sides);
  return above;
}

/** Whether there are nodes that both changed and whose names have not been seen yet. */
export function hasConflicts(open: OpenMerge | undefined): boolean {
  for (let at = open; at !== undefined; at = at.parent) if (at.table.conflicts.size + at.table.clashes.size > 0) return true;
  return false;
}

/** Takes their version of a node that both changed, and the table with ours; only once, for the first of its names. */
export function takeConflict(open: OpenMerge, uuid: string): { readonly node: Dirent; readonly table: MergedTable } | undefined {
  for (let at: OpenMerge | undefined = open; at !== undefined; at = at.parent) {
    const { table } = at;
    const node = table.conflicts.get(uuid);
    table.conflicts.delete(uuid);
    if (node !== undefined) return { node, table };
    if (at.table.nodes.has(uuid)) return undefined;
  }
  return undefined;
}
