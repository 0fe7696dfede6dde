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

/** What an export walks over. Paths are relative to the top, whose own is empty. */
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
  /** A device that is left out, as it was asked for. */
  | { readonly kind: 'omitted'; readonly path: Octets }
  /** Something that cannot be exported; the rest continues. */
  | { readonly kind: 'damage'; readonly path: Octets; readonly error: Error };

export interface ExportWalkOptions extends OpOptions {
  /** False leaves out and strips what could give rights here: see {@link harmless}. */
  readonly special?: boolean | undefined;
  /** The rules as they hold at the top: names that they exclude are passed over. */
  readonly filter?: DirFilter | undefined;
}

/**
 * Walks a self-contained Dirent depth first, in the order of names. Give `'skip'` to `next` after an `enter` to pass
 * over what is in that Dir.
 *
 * A name that could mean another place (empty, `.`, `..`, with `/` or NUL in it) is damage. So is one that comes twice in a Dir,
 * as the second could lead through the first.
 */
export async function* walkForExport(
  source: BlockSource,
  top: Dirent,
  { signal, special = true, filter }: ExportWalkOptions = {},
): AsyncGenerator<WalkStep, void, 'skip' | undefined> {
  const walk = walkDirent(source, top, { signal, damage: true });
  // The name that came last in each Dir that the walk is in.
  const lastNames: (Octets | undefined)[] = [];
  // Their paths, from which no character is read: such strings hold what they are made of, and not a copy of it a level.
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
