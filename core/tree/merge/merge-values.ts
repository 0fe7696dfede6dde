import type { Octets } from '../../base/octets.ts';
import type { Dirent, FileDirent } from '../../dirent/dirent.ts';
import { sameContent } from '../../dirent/dirent-compare.ts';
import { MAX_NAME_SIZE } from '../path.ts';
import type { MetaClash } from './merge-meta.ts';
import { mergeMeta } from './merge-meta.ts';

/**
 * Merges three states of a node of the same kind that is no Dir; undefined if both sides changed the content differently.
 * Metadata is merged field by field.
 *
 * @param prefer - as for {@link mergeMeta}
 */
export function mergeLeaves<D extends Dirent>(
  base: Dirent | undefined,
  ours: D,
  theirs: D,
  prefer?: 'ours' | 'theirs',
): { readonly node: D; readonly clashes: readonly MetaClash[] } | undefined {
  if (ours.kind !== theirs.kind) return undefined;
  const { meta, clashes } = mergeMeta(base?.meta, ours.meta, theirs.meta, prefer);
  if (sameContent(ours, theirs) || (base !== undefined && sameContent(base, theirs))) return { node: { ...ours, meta }, clashes };
  if (base !== undefined && sameContent(base, ours)) return { node: { ...theirs, meta }, clashes };
  return undefined;
}

const NEITHER = Buffer.from('neither of two, by vtftp merge');

/** Makes the placeholder if neither of two versions was chosen: a file that equals neither. */
export function neitherOf(name: Octets): FileDirent {
  return { kind: 'file', name, meta: {}, block: { kind: 'literal', span: NEITHER.length, data: NEITHER } };
}

/**
 * The name for their version beside ours: `name.theirs-20261122T161701Z`, with `-2` and so on if that is
 * taken. A name that would be too long is shortened.
 *
 * @param when - the time of the merge; the name shows it in UTC
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

/** The original name, from a name made by {@link theirsName}; undefined for any other name. */
export function nameOfTheirs(name: Octets): Octets | undefined {
  return /^(.+)\.theirs-\d{8}T\d{6}Z(?:-\d+)?$/s.exec(name)?.[1] as Octets | undefined;
}
