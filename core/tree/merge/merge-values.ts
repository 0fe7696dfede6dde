import type { Octets } from '../../base/octets.ts';
import type { Dirent, FileDirent } from '../../dirent/dirent.ts';
import { sameContent } from '../../dirent/dirent-compare.ts';
import { MAX_NAME_SIZE } from '../path.ts';
import type { MetaClash } from './merge-meta.ts';
import { mergeMeta } from './merge-meta.ts';

/**
 * One node out of three that are no Dirs and of one kind, or undefined where both sides gave it another content.
 * Metadata merges field by field.
 *
 * @param prefer - as of {@link mergeMeta}
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

/** The place of two versions if neither was chosen: a file that equals neither. */
export function neitherOf(name: Octets): FileDirent {
  return { kind: 'file', name, meta: {}, block: { kind: 'literal', span: NEITHER.length, data: NEITHER } };
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

/** The name that theirs was kept beside, of a name that {@link theirsName} gave; undefined for any other. */
export function nameOfTheirs(name: Octets): Octets | undefined {
  return /^(.+)\.theirs-\d{8}T\d{6}Z(?:-\d+)?$/s.exec(name)?.[1] as Octets | undefined;
}
