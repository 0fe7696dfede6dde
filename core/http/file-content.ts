import type { BlockSource } from '../block/block-source.ts';
import { readBlockRange } from '../block/read-range.ts';
import type { TreeEntry } from '../tree/tree.ts';
import { contentTypeOf, SNIFFED_SIZE } from './content-type.ts';
import { contentHeaders, disposition, etagOf } from './headers.ts';
import { readStart } from './read-text.ts';
import type { Representation } from './representation.ts';

/** How to serve a file. */
export interface FileView {
  /** Whether the browser should save it instead of showing it. */
  readonly download: boolean;
  readonly cacheControl: string;
}

/** The content of a file of a tree. */
export async function fileContent(source: BlockSource, entry: TreeEntry, view: FileView, signal: AbortSignal): Promise<Representation> {
  const { dirent, name, size } = entry;
  if (dirent.kind !== 'file') throw new TypeError(`file content: a ${dirent.kind} has none`);
  const start = await readStart(source, dirent.block, Math.min(size, SNIFFED_SIZE), signal);
  const contentType = contentTypeOf(name, dirent.meta, start);
  const mtimeNs = dirent.meta.mtimeNs;
  return {
    etag: etagOf(dirent.block),
    lastModified: mtimeNs === undefined ? undefined : httpDate(mtimeNs),
    contentType,
    size,
    block: dirent.block,
    headers: {
      'cache-control': view.cacheControl,
      'content-disposition': disposition(view.download ? 'attachment' : 'inline', name),
      ...contentHeaders(contentType),
    },
    read: (range, readSignal) => readBlockRange(source, dirent.block, { ...range, signal: readSignal }),
  };
}

/** A time as a Date for HTTP headers; undefined outside the years 1 to 9999. */
export function httpDate(ns: bigint): Date | undefined {
  const date = new Date(Number(ns / 1_000_000n));
  return Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999 || date.getUTCFullYear() < 1 ? undefined : date;
}
