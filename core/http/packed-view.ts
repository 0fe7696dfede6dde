import type { Octets } from '../base/octets.ts';
import { octetsFromText } from '../base/octets.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import { pathOf } from '../tree/path.ts';
import { contentHeaders, disposition, madeEtag } from './headers.ts';
import type { Place } from './place.ts';
import type { Representation } from './representation.ts';
import type { TarMember } from './tar/tar-header.ts';
import { tarMembers, tarRange, tarSize } from './tar/tar-stream.ts';
import type { KnownCrcs } from './zip/zip-stream.ts';
import { zipRange, zipSize } from './zip/zip-stream.ts';

// A Dir with all below as one file. Its length is known before it is made, so that a download continues where it ended.

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
type Members = (signal: AbortSignal) => AsyncIterable<TarMember>;

/** A Dir as a tar. */
export function tarView(place: Place, signal: AbortSignal): Promise<Representation> {
  const { store } = place.tree;
  return packedView(
    place,
    {
      ending: 'tar',
      version: '1',
      contentType: 'application/x-tar',
      size: (members, aborted) => tarSize(members(aborted)),
      range: (members, range, aborted) => tarRange(store, members(aborted), range, aborted),
    },
    signal,
  );
}

/** A Dir as a zip. */
export function zipView(place: Place, crcs: KnownCrcs, signal: AbortSignal): Promise<Representation> {
  const source = place.tree.store;
  return packedView(
    place,
    {
      ending: 'zip',
      version: '1',
      contentType: 'application/zip',
      size: (members, aborted) => zipSize({ source, members, crcs }, aborted),
      range: (members, range, aborted) => zipRange({ source, members, crcs }, range, aborted),
    },
    signal,
  );
}

async function packedView(place: Place, packing: Packing, signal: AbortSignal): Promise<Representation> {
  const { tree, names, title, cacheControl } = place;
  const { ending, version, contentType } = packing;
  const dirent = await tree.dirent(pathOf(names), { signal });
  if (dirent.kind !== 'dir') throw new TypeError(`${ending}: a ${dirent.kind} has no entries`);
  const name = names.at(-1) ?? ('tree' as Octets);
  const members: Members = (aborted) => tarMembers(tree.store, dirent, name, aborted);
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
