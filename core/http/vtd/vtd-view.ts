import { ParseError } from '../../base/errors.ts';
import type { Octets } from '../../base/octets.ts';
import type { Dirent } from '../../dirent/dirent.ts';
import { formatDirent } from '../../dirent/dirent-text.ts';
import type { Store } from '../../store/store.ts';
import type { ByteRange } from '../byte-ranges.ts';
import { parseRanges } from '../byte-ranges.ts';
import { contentHeaders, disposition, madeEtag } from '../headers.ts';
import type { Representation } from '../representation.ts';
import { treeFile } from './tree-file.ts';
import { parseScope, wantedBlocks } from './wanted-blocks.ts';

/** Part of the entity tag; change it when the file is made differently. */
const VTD_VERSION = '1';
const VTD_TYPE = 'application/x-vtd';

/**
 * A node with its Blocks as a one-file Store: `?vtd[&scope=block|dir|all][&bytes=FIRST-LAST]`.
 *
 * @param node - self-contained
 * @param name - of the saved file, without `.vtd`
 * @throws {ParseError} for an invalid scope or range
 */
export async function vtdView(
  store: Store,
  node: Dirent,
  name: Octets,
  query: ReadonlyMap<string, string>,
  cacheControl: string,
  signal: AbortSignal,
): Promise<Representation> {
  const scope = parseScope(query.get('scope') ?? '');
  const bytes = query.get('bytes');
  const range = bytes === undefined ? undefined : contentRange(node, bytes);
  const { size, read } = await treeFile(store, node, await wantedBlocks(store, node, scope, range, signal), signal);
  return {
    etag: madeEtag('vtd', VTD_VERSION, formatDirent(node), scope, bytes ?? ''),
    contentType: VTD_TYPE,
    size,
    headers: {
      'cache-control': cacheControl,
      'content-disposition': disposition('attachment', `${name}.vtd` as Octets),
      ...contentHeaders(VTD_TYPE),
    },
    read: (asked, aborted) => read(asked ?? { start: 0, end: size }, aborted),
  };
}

function contentRange(node: Dirent, bytes: string): ByteRange {
  if (node.kind !== 'file') throw new ParseError('read URL: bytes= is for files', 0);
  const ranges = parseRanges(`bytes=${bytes}`, node.block.span);
  const only = typeof ranges === 'string' ? undefined : ranges[0];
  if (only === undefined || ranges.length !== 1) throw new ParseError(`read URL: bytes=${bytes} is no range of the file`, 0);
  return only;
}
