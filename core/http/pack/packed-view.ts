import type { Octets } from '../../base/octets.ts';
import { octetsFromText } from '../../base/octets.ts';
import { formatDirent } from '../../dirent/dirent-text.ts';
import { pathOf } from '../../tree/path.ts';
import { contentHeaders, disposition, madeEtag } from '../headers.ts';
import { KeptMembers } from '../kept/kept-members.ts';
import type { Place } from '../place.ts';
import type { Representation } from '../representation.ts';
import type { TarMember } from '../tar/tar-header.ts';
import { tarMembers, tarRange, tarSize } from '../tar/tar-stream.ts';
import type { KnownCrcs } from '../zip/zip-stream.ts';
import { knownCrcs, zipRange, zipSize } from '../zip/zip-stream.ts';
import { GatheredContents } from './gathered-contents.ts';

// A Dir with all below as one file. Its length is known before it is made, so that a download continues where it ended.

/** What the downloads of a server share. */
export interface PackState {
  readonly members: KeptMembers;
  readonly contents: GatheredContents;
  readonly crcs: KnownCrcs;
}

/** Nothing is kept yet. */
export function packState(): PackState {
  return { members: new KeptMembers(), contents: new GatheredContents(), crcs: knownCrcs() };
}

/** How a Dir is packed. */
interface Packing {
  readonly ending: 'tar' | 'zip';
  /** Part of the entity tag: a file that is made otherwise is another. */
  readonly version: string;
  readonly contentType: string;
  size(members: Members, signal: AbortSignal): Promise<number>;
  range(members: Members, range: { readonly start: number; readonly end: number }, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** Walks what is to be packed; called once for each walk. */
type Members = (signal: AbortSignal) => AsyncIterable<readonly TarMember[]>;

/** A Dir as a tar. */
export function tarView(place: Place, state: PackState, signal: AbortSignal): Promise<Representation> {
  const { store } = place.tree;
  return packedView(
    place,
    state,
    {
      ending: 'tar',
      version: '1',
      contentType: 'application/x-tar',
      size: (members, aborted) => tarSize(members(aborted)),
      range: (members, range, aborted) => tarRange(state.contents, store, members(aborted), range, aborted),
    },
    signal,
  );
}

/** A Dir as a zip. */
export function zipView(place: Place, state: PackState, signal: AbortSignal): Promise<Representation> {
  const source = place.tree.store;
  return packedView(
    place,
    state,
    {
      ending: 'zip',
      version: '1',
      contentType: 'application/zip',
      size: (members, aborted) => zipSize({ ...state, source, members }, aborted),
      range: (members, range, aborted) => zipRange({ ...state, source, members }, range, aborted),
    },
    signal,
  );
}

async function packedView(place: Place, state: PackState, packing: Packing, signal: AbortSignal): Promise<Representation> {
  const { tree, names, title, cacheControl } = place;
  const { ending, version, contentType } = packing;
  const dirent = await tree.dirent(pathOf(names), { signal });
  if (dirent.kind !== 'dir') throw new TypeError(`${ending}: a ${dirent.kind} has no entries`);
  const name = names.at(-1) ?? ('tree' as Octets);
  const key = madeEtag('members', formatDirent(dirent), name);
  const members: Members = (aborted) => state.members.members(key, () => tarMembers(tree.store, dirent, name, aborted));
  const size = await packing.size(members, signal);
  const fileName = `${names.length === 0 ? octetsFromText(title) : name}.${ending}` as Octets;
  return {
    etag: madeEtag(ending, version, formatDirent(dirent), name),
    contentType,
    size,
    headers: {
      'cache-control': cacheControl,
      'content-disposition': disposition('attachment', fileName),
      ...contentHeaders(contentType),
    },
    read: (range, aborted) => packing.range(members, range ?? { start: 0, end: size }, aborted),
  };
}
