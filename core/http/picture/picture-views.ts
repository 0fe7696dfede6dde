import type { Octets } from '../../base/octets.ts';
import { formatDirent } from '../../dirent/dirent-text.ts';
import { pathOf } from '../../tree/path.ts';
import type { TreeEntry } from '../../tree/tree.ts';
import { typeOfName } from '../content-type.ts';
import { contentHeaders, madeEtag } from '../headers.ts';
import { PAGE_VERSION } from '../page/page.ts';
import { pageView } from '../page/page-view.ts';
import { picturesPage } from '../page/pictures-page.ts';
import type { Place } from '../place.ts';
import { whereOf } from '../place.ts';
import { readStart } from '../read-text.ts';
import type { Representation } from '../representation.ts';
import { EXIF_SIZE, exifThumbnail } from './exif-thumbnail.ts';

/** Pictures of up to this many bytes without a thumbnail are sent whole: the browser scales them. */
const MAX_SCALED_SIZE = 2 * 1024 * 1024;
/** Pictures on one page, and names of a Dir that are searched for them, at most. */
const MAX_PICTURES = 1000;
const MAX_NAMES = 10_000;

/** The image types that browsers show. */
const SHOWN: ReadonlySet<string> = new Set([
  'image/apng',
  'image/avif',
  'image/bmp',
  'image/gif',
  'image/jpeg',
  'image/png',
  'image/svg+xml',
  'image/webp',
  'image/x-icon',
]);

/** Whether an entry is a picture that browsers show, judged by its name only. */
export function isPicture({ name, dirent }: Pick<TreeEntry, 'name' | 'dirent'>): boolean {
  return dirent.kind === 'file' && SHOWN.has(typeOfName(name) ?? '');
}

/** The page of a Dir's pictures. */
export async function picturesView(place: Place, signal: AbortSignal): Promise<Representation> {
  const { tree, names } = place;
  const dirent = await tree.dirent(pathOf(names), { signal });
  const { pictures, isWhole } = await picturesOf(place, names, signal);
  const etag = madeEtag('pictures', PAGE_VERSION, formatDirent(dirent), whereOf(place));
  return pageView(etag, () => picturesPage(place, pictures, isWhole));
}

/** The previous and next picture of one in its Dir. */
export async function neighboursOf(
  place: Place,
  name: Octets,
  signal: AbortSignal,
): Promise<{ readonly before: Octets | undefined; readonly after: Octets | undefined }> {
  const { pictures } = await picturesOf(place, place.names.slice(0, -1), signal);
  const at = pictures.findIndex((picture) => picture.name === name);
  return { before: pictures[at - 1]?.name, after: at < 0 ? undefined : pictures[at + 1]?.name };
}

async function picturesOf(
  { tree }: Place,
  names: readonly Octets[],
  signal: AbortSignal,
): Promise<{ readonly pictures: readonly TreeEntry[]; readonly isWhole: boolean }> {
  const pictures: TreeEntry[] = [];
  let seen = 0;
  for await (const entry of tree.list(pathOf(names), { signal })) {
    if (++seen > MAX_NAMES || pictures.length === MAX_PICTURES) return { pictures, isWhole: false };
    if (isPicture(entry)) pictures.push(entry);
  }
  return { pictures, isWhole: true };
}

/**
 * A thumbnail of a picture: the one in its Exif data, else the picture itself if it is small. Pictures are never decoded.
 *
 * @param whole - the picture as it is served
 * @returns undefined if there is none
 */
export async function thumbnailView(
  { tree, cacheControl }: Place,
  entry: TreeEntry,
  whole: Representation,
  signal: AbortSignal,
): Promise<Representation | undefined> {
  const { dirent, size } = entry;
  if (dirent.kind !== 'file' || !isPicture(entry)) return undefined;
  const small =
    whole.contentType === 'image/jpeg'
      ? exifThumbnail(await readStart(tree.store, dirent.block, Math.min(size, EXIF_SIZE), signal))
      : undefined;
  if (small === undefined) return size <= MAX_SCALED_SIZE ? whole : undefined;
  return {
    etag: madeEtag('thumbnail', whole.etag),
    contentType: 'image/jpeg',
    size: small.length,
    headers: { 'cache-control': cacheControl, ...contentHeaders('image/jpeg') },
    async *read({ start, end } = { start: 0, end: small.length }) {
      yield await Promise.resolve(small.subarray(start, end));
    },
  };
}
