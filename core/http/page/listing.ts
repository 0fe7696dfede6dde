import type { Octets } from '../../base/octets.ts';
import { octetsToText } from '../../base/octets.ts';
import { shellWord } from '../../base/shell-word.ts';
import { sizeText } from '../../block/size-text.ts';
import type { TreeEntry } from '../../tree/tree.ts';
import { urlPath, urlSegment } from '../headers.ts';
import type { Html } from './html.ts';
import { html, visible } from './html.ts';
import { pageEnd, pageStart } from './page.ts';
import { GROUP_ROWS } from './page-script.ts';

/** The place of a page in a tree. */
export interface PagePlace {
  /** The name of the tree: an archive, or the start of a Dirref. */
  readonly title: string;
  /** The URL path of the tree's root, with its slash. */
  readonly base: string;
  /** The names from the root to the shown node. */
  readonly names: readonly Octets[];
  /** The URL path of the archive's history, if the tree belongs to one. */
  readonly history?: string | undefined;
}

/** An entry, and the names of the Dirs below it that are the only entry of their Dir. */
export interface ListedEntry extends TreeEntry {
  readonly only?: readonly Octets[] | undefined;
}

/** A Dir as its page shows it. */
export interface ListedDir extends PagePlace {
  readonly entries: AsyncIterable<ListedEntry>;
  /** The Dirref of this Dir, and its URI. */
  readonly dirref: string;
  readonly uri: string;
  /** Whether its first names include a picture. */
  readonly hasPictures: boolean;
  /** Its README as HTML. */
  readonly readme?: Html | undefined;
  /** The URL path that tells of a newer state; the page requests it now and then. */
  readonly newest?: string | undefined;
}

/** The page of a Dir, piece by piece. It is usable without JavaScript. */
export async function* listingPage(dir: ListedDir): AsyncGenerator<Html> {
  const here = dir.names.at(-1);
  yield pageStart(nameOf(dir));
  yield html`<header><h1>${breadcrumbs(dir)}</h1>
<nav><span>Download <a href="?tar" aria-label="Download tar">tar</a> <a href="?zip" aria-label="Download zip">zip</a> <a href="?vtd" aria-label="Download vtd" title="A one-file Store, which vtftp opens">vtd</a></span>${dir.hasPictures ? html`<a href="?pictures">Pictures</a>` : undefined}${dir.history === undefined ? undefined : html`<a href="${dir.history}">History</a>${here === undefined ? undefined : html`<a href="?log">Versions of this Dir</a>`}`}${searchForm('')}<span id="count" role="status"></span></nav></header>
<main>${dir.newest === undefined ? undefined : html`<p id="newer" role="status" data-from="${dir.newest}"></p>`}
<table class="list dir" data-group="${GROUP_ROWS}"><thead><tr><th><button>Name</button></th><th class="n"><button>Size</button></th><th><button>Modified (UTC)</button></th><th><button>Type</button></th></tr></thead><tbody>
`;
  if (here !== undefined)
    yield html`<tr data-up><td><a href="../" data-key="u">..</a></td><td class="n" data-n="-1"></td><td class="t"></td><td></td></tr>
`;
  let count = 0;
  for await (const entry of dir.entries) {
    yield html`${groupBreak(count)}${row(entry)}`;
    count++;
  }
  yield html`</tbody></table>
<p>${count === 0 ? 'This Dir is empty.' : undefined}</p>
${dir.readme === undefined ? undefined : html`<article>${dir.readme}</article>`}</main>
<footer><dl><dt>In a shell</dt><dd><code>vtftp ${shellWord(dir.dirref)}</code></dd><dt>URI</dt><dd><code>${dir.uri}</code></dd><dt>Dirref</dt><dd><code>${dir.dirref}</code></dd><dt>For programs</dt><dd><a href="?json">JSON</a> · <a href="?simple">names</a> · <a href="?sha256">SHA-256 of all files</a></dd></dl>
<form><label>Compare with <input name="diff" size="30" placeholder="${dir.history === undefined ? 'Dirref' : 'state, date or Dirref'}" autocomplete="off"></label> <button>Compare</button></form></footer>
`;
  yield pageEnd();
}

/** The name of the shown node: its last name, or that of the tree. */
export function nameOf({ title, names }: Pick<PagePlace, 'title' | 'names'>): string {
  const name = names.at(-1);
  return visible(name === undefined ? title : octetsToText(name));
}

/** The search form. With JavaScript, it filters names while the user types; submitting it searches below. */
export function searchForm(text: string): Html {
  return html`<form role="search"><input id="filter" name="q" type="search" value="${text}" placeholder="Filter ( / ); Enter searches below" aria-label="Filter by name; Enter searches below" autocomplete="off"></form> `;
}

/** The names down to a Dir, each a link except the last. @param query - of each link */
export function breadcrumbs(place: Pick<PagePlace, 'title' | 'base' | 'names'>, query = ''): Html {
  return crumbs(place, query, false);
}

/** The names down to a node that is not a Dir; its own is plain text. */
export function breadcrumbsTo({ names, ...place }: Pick<PagePlace, 'title' | 'base' | 'names'>): Html {
  return html`${crumbs({ ...place, names: names.slice(0, -1) }, '', true)}${nameOf({ ...place, names })}`;
}

function crumbs({ title, base, names }: Pick<PagePlace, 'title' | 'base' | 'names'>, query: string, isAllLinks: boolean): Html {
  const parts = [
    names.length === 0 && !isAllLinks
      ? html`<span>${visible(title)} /</span>`
      : html`<a href="${base}${query}">${visible(title)}</a><span> / </span>`,
  ];
  let path = base;
  for (const [i, name] of names.entries()) {
    path += `${urlSegment(name)}/`;
    const text = visible(octetsToText(name));
    parts.push(
      i === names.length - 1 && !isAllLinks ? html`<span>${text} /</span>` : html`<a href="${path}${query}">${text}</a><span> / </span>`,
    );
  }
  return html`${parts}`;
}

/** Starts a new group of rows before the row with this index, if one is due. */
export function groupBreak(index: number): Html | undefined {
  return index > 0 && index % GROUP_ROWS === 0
    ? html`</tbody><tbody>
`
    : undefined;
}

function row({ dirent, name, size, only = [] }: ListedEntry): Html {
  const path = [name, ...only].join('/') as Octets;
  return html`<tr>${direntCells(`./${urlPath(path)}`, visible(octetsToText(path)), { ...dirent, size })}</tr>
`;
}

/**
 * The cells of a node: name, size, time and type. The name of a file links to its page, and its size to its content.
 *
 * @param dirent - with its size in bytes, if known
 */
export function direntCells(href: string, name: string, dirent: Exclude<TreeEntry['dirent'], never> & { readonly size?: number }): Html {
  const isDir = dirent.kind === 'dir';
  const text = name + (isDir ? '/' : '');
  const target = dirent.kind === 'symlink' ? ` → ${visible(octetsToText(dirent.target))}` : '';
  const isLink = dirent.kind === 'file' || isDir || dirent.kind === 'symlink';
  const query = dirent.kind === 'file' ? '?view' : isDir ? '/' : '';
  const shown = isLink ? html`<a href="${href}${query}">${text}</a>` : html`${text}`;
  const size = dirent.kind === 'file' ? (dirent.size ?? dirent.block.span) : undefined;
  const sized =
    size === undefined
      ? html`<td class="n" data-n="-1"></td>`
      : html`<td class="n" data-n="${size}"><a href="${href}" title="${size} bytes: the file itself">${sizeText(size)}</a></td>`;
  const type = dirent.kind === 'file' ? extension(name) : dirent.kind;
  return html`<td>${shown}${target}</td>${sized}<td class="t">${timeText(dirent.meta.mtimeNs)}</td><td>${type}</td>`;
}

function extension(name: string): string {
  return /[^/]\.([^./]{1,12})$/s.exec(name)?.[1]?.toLowerCase() ?? 'file';
}

/** A time in UTC: `2026-11-22 16:17:01`. A line may only break between date and time. */
export function moment(ns: bigint): Html {
  const date = new Date(Number(ns / 1_000_000n));
  if (Number.isNaN(date.getTime())) return html``;
  const [day = '', time = ''] = date.toISOString().slice(0, -5).split('T');
  return html`<span class="w">${day}</span> <span class="w">${time}</span>`;
}

/** A time in UTC: `2026-11-22 16:17`; '' outside the range of a Date. */
export function timeText(ns: bigint | undefined): string {
  const date = ns === undefined ? undefined : new Date(Number(ns / 1_000_000n));
  return date === undefined || Number.isNaN(date.getTime()) ? '' : date.toISOString().replace('T', ' ').slice(0, -8);
}
