import { VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { BlockSource } from '../block/block-source.ts';
import type { DirDirent, Dirent } from '../dirent/dirent.ts';
import { direntNameFault } from '../dirent/dirent-fields.ts';
import type { DirFilter } from '../filter/dir-filter.ts';
import type { LeafDirent } from '../tree/live/live-node.ts';
import type { WalkLink } from '../tree/walk.ts';
import { walkDirent } from '../tree/walk.ts';
import { givesRights, harmless } from './harmless.ts';

/** A step of the walk. Paths are relative to the top, whose path is empty. */
export type WalkStep =
  | { readonly kind: 'enter'; readonly path: Octets; readonly name: Octets; readonly dirent: DirDirent }
  | { readonly kind: 'leave'; readonly path: Octets }
  | {
      readonly kind: 'node';
      readonly path: Octets;
      readonly name: Octets;
      readonly dirent: LeafDirent;
      readonly link: WalkLink | undefined;
    }
  /** A device that is left out because `special` is false. */
  | { readonly kind: 'omitted'; readonly path: Octets }
  /** An entry that cannot be exported. The walk continues. */
  | { readonly kind: 'damage'; readonly path: Octets; readonly error: Error };

export interface ExportWalkOptions extends OpOptions {
  /** False leaves out devices, and removes metadata that could grant rights; see {@link harmless}. */
  readonly special?: boolean | undefined;
  /** The rules at the top. Excluded names are skipped. */
  readonly filter?: DirFilter | undefined;
}

/**
 * Walks a self-contained Dirent depth first, in the order of names. Pass `'skip'` to `next` after an `enter` to skip the contents of
 * that Dir.
 *
 * A name that could lead out of its directory (empty, `.`, `..`, or with `/` or NUL) is damage. So is a name that occurs twice in a Dir:
 * the
 * first could be a symlink, and the second be written through it.
 */
export async function* walkForExport(
  source: BlockSource,
  top: Dirent,
  { signal, special = true, filter }: ExportWalkOptions = {},
): AsyncGenerator<WalkStep, void, 'skip' | undefined> {
  const walk = walkDirent(source, top, { signal, damage: true });
  // The last name in each Dir on the walk's path.
  const lastNames: (Octets | undefined)[] = [];
  // The paths of these Dirs. V8 keeps a concatenated string as its two parts until a character is read, so deep paths take little memory.
  const paths: Octets[] = [];
  const filters: (DirFilter | undefined)[] = [];
  let answer: 'skip' | undefined;
  for (;;) {
    const { value: item, done } = await walk.next(answer);
    if (done === true || item === undefined) return;
    answer = undefined;
    if (item.kind === 'damage') yield { kind: 'damage', path: item.path.slice(1) as Octets, error: item.error };
    else if (item.kind === 'leave') {
      lastNames.pop();
      filters.pop();
      yield { kind: 'leave', path: paths.pop() ?? ('' as Octets) };
    } else {
      const { name } = item.dirent;
      const parent = paths.at(-1);
      if (filters.at(-1)?.excludes(name, item.kind === 'enter') === true) {
        if (item.kind === 'enter') await walk.next('skip');
        continue;
      }
      const path = (parent === undefined ? '' : parent === '' ? name : `${parent}/${name}`) as Octets;
      const fault = lastNames.length === 0 ? undefined : faultOf(name, lastNames.at(-1));
      if (lastNames.length > 0) lastNames[lastNames.length - 1] = name;
      if (fault !== undefined) {
        yield { kind: 'damage', path, error: new VtError('ECORRUPT', `decode Dir: ${fault}`) };
        if (item.kind === 'enter') await walk.next('skip');
      } else if (!special && givesRights(item.dirent)) yield { kind: 'omitted', path };
      else if (item.kind === 'node')
        yield { kind: 'node', path, name, dirent: special ? item.dirent : harmless(item.dirent), link: item.link };
      else {
        lastNames.push(undefined);
        filters.push(filters.length === 0 ? filter : filters.at(-1)?.enter(name));
        paths.push(path);
        answer = yield { kind: 'enter', path, name, dirent: special ? item.dirent : harmless(item.dirent) };
      }
    }
  }
}

function faultOf(name: Octets, last: Octets | undefined): string | undefined {
  if (name === '') return 'an entry without a name';
  return direntNameFault(name) ?? (name === last ? 'a name that comes twice' : undefined);
}
