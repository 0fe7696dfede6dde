import type { Octets } from '../../base/octets.ts';
import { octetsToText } from '../../base/octets.ts';
import type { Meta } from '../../dirent/meta.ts';

// Merges metadata of two sides field by field. A rule decides about fields that both sides changed; it is symmetric in the
// sides. Permissions become those that both allow, and times the later ones. Everything else is from the side that was modified
// later.

/** A field of metadata that both sides changed. */
export interface MetaClash {
  /** `mode`, `user`, or the name of an extended attribute. */
  readonly field: string;
  /** For messages, if the values are short. */
  readonly ours?: string;
  readonly theirs?: string;
  readonly taken?: string;
}

/** Merged metadata. */
export interface MergedMeta {
  readonly meta: Meta;
  /** Fields that both sides set explicitly; times are excluded, since they follow from changes. */
  readonly clashes: readonly MetaClash[];
}

type Fields = ReadonlyMap<string, unknown>;

const TIMES: ReadonlySet<string> = new Set(['mtimeNs', 'ctimeNs', 'btimeNs']);

/**
 * Merges metadata. A field that only one side changed gets that side's value.
 *
 * @param base - undefined if the sides have no common past: then each difference counts as changed by both
 * @param prefer - the side whose value is used for fields that both changed; default: by the rule
 */
export function mergeMeta(base: Meta | undefined, ours: Meta, theirs: Meta, prefer?: 'ours' | 'theirs'): MergedMeta {
  const later = laterSide(ours, theirs);
  const merge = (before: Fields, mine: Fields, other: Fields, clashes: MetaClash[]): Map<string, unknown> => {
    const merged = new Map<string, unknown>();
    for (const key of new Set([...before.keys(), ...mine.keys(), ...other.keys()])) {
      const [was, one, two] = [before.get(key), mine.get(key), other.get(key)];
      let value = one;
      if (sameValue(one, was)) value = two;
      else if (!sameValue(two, was) && !sameValue(one, two)) {
        value = prefer === undefined ? byRule(key, one, two, later) : prefer === 'ours' ? one : two;
        if (!TIMES.has(key)) clashes.push(clashOf(key, one, two, value));
      }
      if (value !== undefined) merged.set(key, value);
    }
    return merged;
  };
  const clashes: MetaClash[] = [];
  const fields = merge(fieldsOf(base), fieldsOf(ours), fieldsOf(theirs), clashes);
  const xattrs = merge(base?.xattrs ?? NONE, ours.xattrs ?? NONE, theirs.xattrs ?? NONE, clashes);
  const sorted = [...xattrs].sort(([a], [b]) => (a < b ? -1 : 1));
  return { meta: Object.fromEntries([...fields, ...(sorted.length === 0 ? [] : [['xattrs', new Map(sorted)] as const])]) as Meta, clashes };
}

const NONE: Fields = new Map();

function fieldsOf(meta: Meta | undefined): Fields {
  const { xattrs: _xattrs, ...rest } = meta ?? {};
  return new Map<string, unknown>(Object.entries(rest));
}

function byRule(key: string, one: unknown, two: unknown, later: 'ours' | 'theirs'): unknown {
  if (one === undefined || two === undefined) return one ?? two;
  if (key === 'mode' && typeof one === 'number' && typeof two === 'number') return one & two;
  if (TIMES.has(key) && typeof one === 'bigint' && typeof two === 'bigint') return one > two === (key !== 'btimeNs') ? one : two;
  return later === 'ours' ? one : two;
}

/** The side that was modified later. For equal times the choice is arbitrary but symmetric. */
function laterSide(ours: Meta, theirs: Meta): 'ours' | 'theirs' {
  const [one, two] = [ours.mtimeNs ?? 0n, theirs.mtimeNs ?? 0n];
  if (one !== two) return one > two ? 'ours' : 'theirs';
  return textOf(ours) >= textOf(theirs) ? 'ours' : 'theirs';
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'bigint'
      ? part.toString()
      : part instanceof Map
        ? [...part]
        : part instanceof Uint8Array
          ? Buffer.from(part).toString('hex')
          : part,
  );
}

function clashOf(key: string, ours: unknown, theirs: unknown, taken: unknown): MetaClash {
  const shown = [ours, theirs, taken].map((value) => shortText(key, value));
  const [one, two, three] = shown;
  return {
    field: key.startsWith('user.') || key.includes('.') ? octetsToText(key as Octets) : key,
    ...(one === undefined || two === undefined || three === undefined ? {} : { ours: one, theirs: two, taken: three }),
  };
}

function shortText(key: string, value: unknown): string | undefined {
  if (key === 'mode' && typeof value === 'number') return value.toString(8).padStart(4, '0');
  if (typeof value === 'number') return value.toString();
  return key === 'user' || key === 'group' ? octetsToText(value as Octets) : undefined;
}

function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || a instanceof Uint8Array) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => sameValue(Reflect.get(a, key), Reflect.get(b, key)));
}
