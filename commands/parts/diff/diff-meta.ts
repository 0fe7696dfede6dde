import type { Octets } from '../../../core/base/octets.ts';
import { compareOctets } from '../../../core/base/octets.ts';
import type { NodeDirent } from '../../../core/tree/diff/diff.ts';
import { groupText, modeOf, octalMode, ownerText, timeText } from '../format.ts';

/** A difference in one field of metadata. */
export interface MetaDifference {
  readonly field: 'mode' | 'owner' | 'group' | 'mtime' | 'xattrs';
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/**
 * The differences of two nodes in the metadata that get restores. The modification time of a Dir depends on its entries and is
 * ignored.
 *
 * @param lenient - ignores fields that only one node has
 */
export function metaDifferences(before: NodeDirent, after: NodeDirent, lenient: boolean): MetaDifference[] {
  const found: MetaDifference[] = [];
  const add = (field: MetaDifference['field'], a: string | undefined, b: string | undefined): void => {
    if (a !== b && !(lenient && (a === undefined || b === undefined))) found.push({ field, before: a, after: b });
  };
  if (before.kind !== 'symlink') add('mode', octalMode(modeOf(before)), octalMode(modeOf(after)));
  add('owner', known(ownerText(before)), known(ownerText(after)));
  add('group', known(groupText(before)), known(groupText(after)));
  if (before.kind !== 'dir') add('mtime', timeOf(before), timeOf(after));
  const attributes = [...new Set([...(before.meta.xattrs?.keys() ?? []), ...(after.meta.xattrs?.keys() ?? [])])].sort(compareOctets);
  const changed = attributes.filter((name) => !sameValue(before, after, name));
  if (changed.length > 0) found.push({ field: 'xattrs', before: namesOf(before), after: namesOf(after) });
  return found;
}

function known(text: string): string | undefined {
  return text === '-' ? undefined : text;
}

function timeOf({ meta }: NodeDirent): string | undefined {
  return meta.mtimeNs === undefined ? undefined : timeText(meta.mtimeNs);
}

function sameValue(before: NodeDirent, after: NodeDirent, name: Octets): boolean {
  const a = before.meta.xattrs?.get(name);
  const b = after.meta.xattrs?.get(name);
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
}

function namesOf({ meta }: NodeDirent): string {
  return [...(meta.xattrs?.keys() ?? [])].join(' ');
}
