import type { Octets } from '../base/octets.ts';
import { octetsToBytes, octetsToText, octetsToTextStrict } from '../base/octets.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import { formatUri } from '../dirent/uri.ts';
import type { TreePath } from '../tree/path.ts';
import { joinPath, pathOf } from '../tree/path.ts';
import type { Tree, TreeEntry } from '../tree/tree.ts';
import { isDamage } from '../tree/walk.ts';
import { madeEtag } from './headers.ts';
import type { Html } from './page/html.ts';
import { html } from './page/html.ts';
import type { ListedEntry } from './page/listing.ts';
import { listingPage } from './page/listing.ts';
import { markdown } from './page/markdown.ts';
import { PAGE_VERSION } from './page/page.ts';
import { PAGE_HEADERS, pageView } from './page/page-view.ts';
import { isPicture } from './picture/picture-views.ts';
import type { Place } from './place.ts';
import { readText } from './read-text.ts';
import type { Representation } from './representation.ts';

/** Names of files shown below a listing, the preferred first. */
const READMES = ['README.md', 'README', 'README.txt', 'readme.md'];

/** Entries of a listing that are checked for a single Dir inside, at most. */
const MAX_LOOKED_INTO = 64;
/** Names that are searched for a picture. */
const MAX_LOOKED_AT = 200;
/** Dirs joined in one line, at most. */
const MAX_CHAIN = 16;

/** The format of a Dir: a page, one JSON object, or one name per line. */
export type DirFormat = 'page' | 'json' | 'simple';

/** A Dir in a format. It is made while it is sent, since a Dir may have a million names. */
export async function dirView(place: Place, entry: TreeEntry, format: DirFormat, signal: AbortSignal): Promise<Representation> {
  const { tree, names } = place;
  if (entry.dirent.kind !== 'dir') throw new TypeError(`list: a ${entry.dirent.kind} has no entries`);
  const path = pathOf(names);
  const dirent = await tree.dirent(path, { signal });
  const dirref = formatDirent({ ...dirent, name: '' as Octets });
  const made = {
    etag: madeEtag(format, PAGE_VERSION, dirref, place.title, place.base, names.join('/')),
    size: undefined,
    headers: PAGE_HEADERS,
  };
  if (format === 'simple')
    return { ...made, contentType: 'text/plain; charset=utf-8', read: (_, aborted) => simpleLines(tree.list(path, { signal: aborted })) };
  if (format === 'json')
    return { ...made, contentType: 'application/json', read: (_, aborted) => jsonPieces(dirref, tree.list(path, { signal: aborted })) };
  const readme = await findReadme(place, path, signal);
  const target =
    dirent.kind === 'dir' && dirent.inodes === undefined
      ? ({ kind: 'block', block: dirent.block } as const)
      : ({ kind: 'dirent', dirent: { ...dirent, name: '' as Octets } } as const);
  const uri = formatUri({ target, path: '' as Octets, isDir: true });
  return pageView(made.etag, async function* (aborted) {
    const hasPictures = await beginsWithPictures(tree, path, aborted);
    yield* listingPage({ ...place, dirref, uri, readme, hasPictures, entries: chained(tree, path, aborted) });
  });
}

/** Whether the first names include a picture. */
async function beginsWithPictures(tree: Tree, path: TreePath, signal: AbortSignal): Promise<boolean> {
  let seen = 0;
  for await (const entry of tree.list(path, { signal })) {
    if (isPicture(entry)) return true;
    if (++seen === MAX_LOOKED_AT) break;
  }
  return false;
}

/** The entries of a Dir. A Dir that only contains one Dir is joined with it in one line, and so on. */
async function* chained(tree: Tree, path: TreePath, signal: AbortSignal): AsyncGenerator<ListedEntry> {
  let lookedInto = 0;
  for await (const entry of tree.list(path, { signal })) {
    const only: Octets[] = [];
    if (entry.dirent.kind === 'dir' && lookedInto++ < MAX_LOOKED_INTO) {
      let at = joinPath(path, entry.name);
      for (
        let name = await onlyDir(tree, at, signal);
        name !== undefined && only.length < MAX_CHAIN;
        name = await onlyDir(tree, at, signal)
      ) {
        only.push(name);
        at = joinPath(at, name);
      }
    }
    yield { ...entry, only };
  }
}

/** The name of the only entry of a Dir, if that is a Dir; undefined otherwise, or if it cannot be read. */
async function onlyDir(tree: Tree, path: TreePath, signal: AbortSignal): Promise<Octets | undefined> {
  const names: Octets[] = [];
  try {
    for await (const { name, dirent } of tree.list(path, { signal })) {
      if (dirent.kind !== 'dir' || names.length > 0) return undefined;
      names.push(name);
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
  return names[0];
}

async function findReadme({ tree }: Place, path: TreePath, signal: AbortSignal): Promise<Html | undefined> {
  for (const name of READMES) {
    const found = await tree.lookup(joinPath(path, name as Octets), { signal, follow: false });
    if (found?.dirent.kind !== 'file') continue;
    const text = await readText(tree.store, found.dirent.block, found.size, signal);
    if (text === undefined) return undefined;
    return (text.isWhole && /\.md$/i.test(name) ? markdown(text.shown) : undefined) ?? html`<pre tabindex="0">${text.shown}</pre>`;
  }
  return undefined;
}

async function* simpleLines(entries: AsyncIterable<TreeEntry>): AsyncGenerator<Uint8Array> {
  for await (const { name, dirent } of entries)
    yield Buffer.concat([octetsToBytes(name), Buffer.from(dirent.kind === 'dir' ? '/\n' : '\n')]);
}

async function* jsonPieces(dirref: string, entries: AsyncIterable<TreeEntry>): AsyncGenerator<Uint8Array> {
  let text = `{"dirref":${JSON.stringify(dirref)},"entries":[`;
  let separator = '\n';
  for await (const entry of entries) {
    text += `${separator}${JSON.stringify(jsonEntry(entry))}`;
    separator = ',\n';
    if (text.length < 32 * 1024) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(`${text}\n]}\n`);
}

function jsonEntry({ name, dirent, size, nlink }: TreeEntry): Record<string, unknown> {
  const { mode, mtimeNs } = dirent.meta;
  return {
    name: octetsToText(name),
    ...(octetsToTextStrict(name) === undefined ? { name_b64: octetsToBytes(name).toString('base64') } : {}),
    type: dirent.kind,
    size,
    nlink,
    ...(mode === undefined ? {} : { mode: mode.toString(8).padStart(4, '0') }),
    ...(mtimeNs === undefined ? {} : { mtime_ns: mtimeNs.toString() }),
    ...(dirent.kind === 'symlink' ? { target: octetsToText(dirent.target) } : {}),
  };
}
