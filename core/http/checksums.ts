import { createHash } from 'node:crypto';
import { VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsToBytes } from '../base/octets.ts';
import type { Block } from '../block/block.ts';
import { readBlockRange } from '../block/read-range.ts';
import { withSpan } from '../block/tree-walk.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import { pathOf } from '../tree/path.ts';
import { walkDirent } from '../tree/walk.ts';
import { contentHeaders, madeEtag } from './headers.ts';
import type { Place } from './place.ts';
import type { Representation } from './representation.ts';

const CONTENT_TYPE = 'text/plain; charset=utf-8';
/** Files of a Dir, and bytes of all of them, at most: a tree may be endless, and a hole have any length. */
const MAX_FILES = 500_000;
const MAX_SIZE = 64 * 1024 * 1024 * 1024;

/** The SHA-256 of a file, or of all files below a Dir, in the format of `sha256sum`. */
export async function checksumsView(place: Place, signal: AbortSignal): Promise<Representation> {
  const { tree, names, cacheControl } = place;
  const dirent = await tree.dirent(pathOf(names), { signal });
  return {
    etag: madeEtag('sha256', formatDirent(dirent), names.at(-1) ?? ''),
    contentType: CONTENT_TYPE,
    size: undefined,
    headers: { 'cache-control': cacheControl, ...contentHeaders(CONTENT_TYPE) },
    async *read(_, aborted) {
      let [count, size] = [0, 0];
      for await (const item of walkDirent(tree.store, dirent, { signal: aborted })) {
        if (item.kind !== 'node' || item.dirent.kind !== 'file') continue;
        const block = await withSpan(tree.store, item.dirent.block, aborted);
        size += block.span;
        if (++count > MAX_FILES || size > MAX_SIZE)
          throw new VtError('EUNSUPPORTED', `make checksums: it has more than ${MAX_FILES} files or 64 GiB`);
        const path = item.path === '/' ? (names.at(-1) ?? dirent.name) : (item.path.slice(1) as Octets);
        yield await lineOf(place, path, block, aborted);
      }
    },
  };
}

/** A line of the list. If a name has a line feed, carriage return or backslash, these are escaped, and the line begins with a backslash. */
async function lineOf({ tree }: Place, path: Octets, block: Block, signal: AbortSignal): Promise<Buffer> {
  const hash = createHash('sha256');
  for await (const chunk of readBlockRange(tree.store, block, { signal })) hash.update(chunk);
  const escaped = path.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  const start = `${escaped === path ? '' : '\\'}${hash.digest('hex')}  `;
  return Buffer.concat([Buffer.from(start), octetsToBytes(escaped as Octets), Buffer.from('\n')]);
}
