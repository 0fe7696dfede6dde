import type { Octets } from '../../base/octets.ts';
import type { Dirent } from '../../dirent/dirent.ts';
import { sameContent } from '../../dirent/dirent-compare.ts';
import type { Meta } from '../../dirent/meta.ts';
import { MAX_NAME_SIZE } from '../path.ts';

/** Metadata merged field by field: a change of one side counts, ours where both changed it. */
export function mergeMeta(base: Meta | undefined, ours: Meta, theirs: Meta): Meta {
  const before = new Map<string, unknown>(Object.entries(base ?? {}));
  const mine = new Map<string, unknown>(Object.entries(ours));
  const other = new Map<string, unknown>(Object.entries(theirs));
  const merged = new Map<string, unknown>();
  for (const key of new Set([...before.keys(), ...mine.keys(), ...other.keys()])) {
    const value = sameValue(mine.get(key), before.get(key)) ? other.get(key) : mine.get(key);
    if (value !== undefined) merged.set(key, value);
  }
  return Object.fromEntries(merged) as Meta;
}

function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a instanceof Map && b instanceof Map) {
    return a.size === b.size && [...a].every(([key, value]) => b.has(key) && sameValue(value, b.get(key)));
  }
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || a instanceof Map || a instanceof Uint8Array)
    return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => sameValue(Reflect.get(a, key), Reflect.get(b, key)));
}

/**
 * One node out of three that are no Dirs and of one kind, or undefined where both sides gave it another content.
 * Metadata merges field by field.
 */
export function mergeLeaves<D extends Dirent>(base: Dirent | undefined, ours: D, theirs: D): D | undefined {
  if (ours.kind !== theirs.kind) return undefined;
  const meta = mergeMeta(base?.meta, ours.meta, theirs.meta);
  if (sameContent(ours, theirs) || (base !== undefined && sameContent(base, theirs))) return { ...ours, meta };
  if (base !== undefined && sameContent(base, ours)) return { ...theirs, meta };
  return undefined;
}

/**
 * The name under which theirs is kept beside ours: `name.theirs-20261122T161701Z`, with `-2` and so on where that is
 * taken, and the name cut short where it would be too long.
 *
 * @param when - of the merge, in UTC
 */
export function theirsName(name: Octets, when: Date, taken: (name: Octets) => boolean): Octets {
  const stamp = when
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:]/g, '');
  for (let count = 1; ; count++) {
    const ending = `.theirs-${stamp}${count === 1 ? '' : `-${count}`}`;
    const candidate = `${name.slice(0, MAX_NAME_SIZE - ending.length)}${ending}` as Octets;
    if (!taken(candidate)) return candidate;
  }
}
