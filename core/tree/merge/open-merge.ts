import type { Dirent } from '../../dirent/dirent.ts';
import type { MergedTable, SideTables } from './merge-table.ts';

// The tables of hard-linked nodes of the Dirs that a merge is in: a name means the node of the innermost table that has it.

/** The merge of one Dir, under way. */
export interface OpenMerge {
  readonly sides: SideTables;
  readonly table: MergedTable;
  readonly parent: OpenMerge | undefined;
}

/** Notes a name that a node had before the merge, at the table where it stands. */
export function noteName(open: OpenMerge, dirent: Dirent | undefined): void {
  if (dirent?.kind !== 'indirect') return;
  let at: OpenMerge | undefined = open;
  while (at !== undefined && !at.table.spare.has(dirent.uuid)) at = at.parent;
  at?.table.names.set(dirent.uuid, dirent.name);
}

/** Whether a table above has a node, so that names below mean that one. */
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

/** Whether nodes that both changed have met no name so far. */
export function hasConflicts(open: OpenMerge | undefined): boolean {
  for (let at = open; at !== undefined; at = at.parent) if (at.table.conflicts.size + at.table.clashes.size > 0) return true;
  return false;
}

/** Their node of a hard link that both changed, and the table that has ours, once: at the first of its names. */
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
