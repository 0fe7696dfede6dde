import type { IncomingMessage } from 'node:http';
import { PathError } from '../../base/errors.ts';
import type { Octets } from '../../base/octets.ts';
import { octetsToText } from '../../base/octets.ts';
import type { TreePath } from '../../tree/path.ts';
import { joinPath, pathOf } from '../../tree/path.ts';
import type { Tree, TreeEntry } from '../../tree/tree.ts';
import { contentTypeOf } from '../content-type.ts';
import { httpDate } from '../file-content.ts';
import { etagOf, urlPath } from '../headers.ts';
import type { Place } from '../place.ts';
import type { WantedProperties } from './propfind-body.ts';

/** Bytes of the body of a request, at most. */
const MAX_BODY_SIZE = 64 * 1024;

/** Types come only from names, since reading contents would cost a Block per name. Without a known ending the type is not text. */
const NO_TEXT = Uint8Array.of(0);

/** Reads the body of a request, which lists the wanted properties. @returns undefined if it is too long */
export async function takeBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_SIZE) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A node in the answer. */
export interface DavNode {
  /** The encoded URL path; a Dir's ends in a slash. */
  readonly href: string;
  readonly entry: TreeEntry;
}

/**
 * The node at a place, and with `depth` 1 its entries, as WebDAV shows them: files and Dirs. A symlink to a file appears as that file. A
 * symlink to a Dir is left out, since clients would descend forever.
 */
export async function* davNodes(place: Place, top: TreeEntry, depth: 0 | 1, signal: AbortSignal): AsyncGenerator<DavNode> {
  const { tree, base, names } = place;
  const path = pathOf(names);
  const href = base + urlPath(names.join('/') as Octets);
  if (top.dirent.kind !== 'dir') {
    yield { href, entry: { ...top, name: names.at(-1) ?? top.name } };
    return;
  }
  const folder = href.endsWith('/') ? href : `${href}/`;
  yield { href: folder, entry: { ...top, name: names.at(-1) ?? top.name } };
  if (depth === 0) return;
  for await (const entry of tree.list(path, { signal })) {
    const { kind } = entry.dirent;
    const target = kind === 'symlink' ? await targetOf(tree, joinPath(path, entry.name), signal) : entry;
    const isShown = target?.dirent.kind === 'file' || kind === 'dir';
    if (target !== undefined && isShown)
      yield { href: `${folder}${urlPath(entry.name)}${kind === 'dir' ? '/' : ''}`, entry: { ...target, name: entry.name } };
  }
}

/** The target of a symlink; undefined if there is none, as for a loop or too long a name. */
async function targetOf(tree: Tree, path: TreePath, signal: AbortSignal): Promise<TreeEntry | undefined> {
  try {
    return await tree.lookup(path, { signal });
  } catch (error) {
    if (error instanceof PathError) return undefined;
    throw error;
  }
}

/** The body of a 207 answer. @see RFC 4918, 9.1 and 13 */
export async function* multistatus(nodes: AsyncIterable<DavNode>, wanted: WantedProperties): AsyncGenerator<string> {
  yield '<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="DAV:">\n';
  for await (const node of nodes) yield `<D:response><D:href>${node.href}</D:href>${propstats(propertiesOf(node), wanted)}</D:response>\n`;
  yield '</D:multistatus>\n';
}

function propstats(properties: ReadonlyMap<string, string>, wanted: WantedProperties): string {
  if (wanted === 'all') return propstat('200 OK', [...properties].map(([name, value]) => property(name, value)).join(''));
  if (wanted === 'names') return propstat('200 OK', [...properties.keys()].map((name) => property(name, '')).join(''));
  let [there, missing] = ['', ''];
  for (const { namespace, local } of wanted) {
    const value = namespace === 'DAV:' ? properties.get(local) : undefined;
    if (value !== undefined) there += property(local, value);
    else missing += namespace === 'DAV:' ? property(local, '') : `<${local} xmlns="${xmlText(namespace)}"/>`;
  }
  return (there === '' && missing !== '' ? '' : propstat('200 OK', there)) + (missing === '' ? '' : propstat('404 Not Found', missing));
}

function propstat(status: string, properties: string): string {
  return `<D:propstat><D:prop>${properties}</D:prop><D:status>HTTP/1.1 ${status}</D:status></D:propstat>`;
}

/** Values as XML, by element name. @see RFC 4918, 15 */
function propertiesOf({ entry: { name, dirent, size } }: DavNode): ReadonlyMap<string, string> {
  const { mtimeNs } = dirent.meta;
  const modified = mtimeNs === undefined ? undefined : httpDate(mtimeNs);
  const found = new Map([
    ['displayname', xmlText(octetsToText(name))],
    ['resourcetype', dirent.kind === 'dir' ? '<D:collection/>' : ''],
  ]);
  if (modified !== undefined) found.set('getlastmodified', modified.toUTCString());
  if (dirent.kind !== 'file') return found;
  return found
    .set('getcontentlength', String(size))
    .set('getetag', xmlText(etagOf(dirent.block)))
    .set('getcontenttype', xmlText(contentTypeOf(name, dirent.meta, NO_TEXT)));
}

function property(name: string, value: string): string {
  return value === '' ? `<D:${name}/>` : `<D:${name}>${value}</D:${name}>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Escapes text for XML, without characters that XML forbids. @see XML 1.0, 2.2 */
function xmlText(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"]/g, (char) => ENTITIES[char] ?? char);
}
