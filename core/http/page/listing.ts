import type { Octets } from '../../base/octets.ts';
import { octetsToText } from '../../base/octets.ts';
import { shellWord } from '../../base/shell-word.ts';
import { sizeText } from '../../block/size-text.ts';
import { defaultMode } from '../../dirent/meta.ts';
import type { TreeEntry } from '../../tree/tree.ts';
import { urlSegment } from '../headers.ts';
import type { Html } from './html.ts';
import { html, visible } from './html.ts';
import { pageEnd, pageStart } from './page.ts';

/** A Dir as its page shows it. */
export interface ListedDir {
  /** What the tree is called: an archive, or the start of a Dirref. */
  readonly title: string;
  /** The URL path of the tree's root, with its slash. */
  readonly base: string;
  /** The names from the root to this Dir. */
  readonly names: readonly Octets[];
  readonly entries: AsyncIterable<TreeEntry>;
  /** The Dirref of this Dir. */
  readonly dirref: string;
  /** The URL path of the states of the archive, where the tree is of one. */
  readonly history?: string | undefined;
  /** The text of a README in it. */
  readonly readme?: string | undefined;
}

/** The page of a Dir, piece by piece. It reads without JavaScript. */
export async function* listingPage(dir: ListedDir): AsyncGenerator<Html> {
  const here = dir.names.at(-1);
  yield pageStart(visible(here === undefined ? dir.title : octetsToText(here)));
  yield html`<h1>${breadcrumbs(dir)}</h1>
<nav><a href="?tar">Download as tar</a><a href="?json">JSON</a>${dir.history === undefined ? undefined : html`<a href="${dir.history}">History</a>`}<input id="filter" type="search" placeholder="filter by name ( / )" aria-label="Filter by name" hidden> <span id="count" role="status"></span></nav>
<table class="list dir"><thead><tr><th><button>Name</button></th><th class="n"><button>Size</button></th><th><button>Modified (UTC)</button></th><th><button>Type</button></th></tr></thead><tbody>
`;
  if (here !== undefined)
    yield html`<tr data-up><td><a href="../">..</a></td><td class="n" data-n="-1"></td><td class="t"></td><td></td></tr>
`;
  let count = 0;
  for await (const entry of dir.entries) {
    count++;
    yield row(entry);
  }
  yield html`</tbody></table>
<p>${count === 0 ? 'This Dir is empty.' : undefined}</p>
${dir.readme === undefined ? undefined : html`<pre>${dir.readme}</pre>`}
<footer><p>Open this Dir in a shell, or mount it: <code>vtftp ${shellWord(dir.dirref)}</code></p></footer>
`;
  yield pageEnd();
}

function breadcrumbs({ title, base, names }: Pick<ListedDir, 'title' | 'base' | 'names'>): Html {
  const parts = [
    names.length === 0 ? html`<span>${visible(title)} /</span>` : html`<a href="${base}">${visible(title)}</a><span> / </span>`,
  ];
  let path = base;
  for (const [i, name] of names.entries()) {
    path += `${urlSegment(name)}/`;
    const text = visible(octetsToText(name));
    parts.push(i === names.length - 1 ? html`<span>${text} /</span>` : html`<a href="${path}">${text}</a><span> / </span>`);
  }
  return html`${parts}`;
}

function row(entry: TreeEntry): Html {
  const { dirent, name, size } = entry;
  const isDir = dirent.kind === 'dir';
  const text = visible(octetsToText(name)) + (isDir ? '/' : '');
  const href = `${urlSegment(name)}${isDir ? '/' : ''}`;
  const shown = dirent.kind === 'file' || isDir || dirent.kind === 'symlink' ? html`<a href="./${href}">${text}</a>` : html`${text}`;
  const target = dirent.kind === 'symlink' ? ` → ${visible(octetsToText(dirent.target))}` : '';
  const sized =
    dirent.kind === 'file'
      ? html`<td class="n" data-n="${size}"><a href="./${href}?view" title="${size} bytes">${sizeText(size)}</a></td>`
      : html`<td class="n" data-n="-1"></td>`;
  const type = dirent.kind === 'file' ? extension(name) : dirent.kind;
  return html`<tr><td>${shown}${target}</td>${sized}<td class="t">${timeText(dirent.meta.mtimeNs)}</td><td>${type}</td></tr>
`;
}

function extension(name: Octets): string {
  return visible(/.\.([^.]{1,12})$/s.exec(octetsToText(name))?.[1]?.toLowerCase() ?? 'file');
}

/** `2026-11-22 16:17`, in UTC; nothing for what a Date cannot hold. */
export function timeText(ns: bigint | undefined): string {
  const date = ns === undefined ? undefined : new Date(Number(ns / 1_000_000n));
  return date === undefined || Number.isNaN(date.getTime()) ? '' : date.toISOString().replace('T', ' ').slice(0, -8);
}

/** A file as its page shows it. */
export interface ViewedFile extends Omit<ListedDir, 'entries' | 'dirref' | 'readme'> {
  readonly entry: TreeEntry;
  readonly contentType: string;
  /** The Block that has its content. */
  readonly blockref: string;
  /** Of a text: its start. */
  readonly text?: { readonly shown: string; readonly isWhole: boolean } | undefined;
}

/** The page of a file: what it is, and its content where a browser can show it. */
export function* filePage(file: ViewedFile): Generator<Html> {
  const { entry, contentType } = file;
  const name = visible(octetsToText(entry.name));
  const href = `./${urlSegment(entry.name)}`;
  const { mode, user, group, uid, gid, mtimeNs } = entry.dirent.meta;
  const owner = `${visible(octetsToText(user ?? (String(uid ?? '') as Octets)))}:${visible(octetsToText(group ?? (String(gid ?? '') as Octets)))}`;
  yield pageStart(name);
  yield html`<h1>${breadcrumbs({ ...file, names: file.names.slice(0, -1) })} ${name}</h1>
<nav><a href="${href}">Open</a><a href="${href}?download">Download</a></nav>
${shown(file, href)}
<dl><dt>Size</dt><dd>${entry.size} bytes</dd><dt>Type</dt><dd>${contentType}</dd><dt>Modified</dt><dd>${timeText(mtimeNs)} UTC</dd>
<dt>Owner</dt><dd>${owner}</dd><dt>Mode</dt><dd>${(mode ?? defaultMode(entry.dirent.kind)).toString(8).padStart(4, '0')}</dd><dt>Names</dt><dd>${entry.nlink}</dd><dt>Content</dt><dd><code>${file.blockref}</code></dd></dl>
`;
  yield pageEnd();
}

function shown({ contentType, text }: ViewedFile, href: string): Html {
  if (text !== undefined)
    return html`<pre>${text.shown}</pre>${text.isWhole ? undefined : html`<p>This is the start; <a href="${href}">open</a> shows all.</p>`}`;
  if (contentType.startsWith('image/')) return html`<p><img src="${href}" alt=""></p>`;
  if (contentType.startsWith('video/')) return html`<p><video src="${href}" controls></video></p>`;
  if (contentType.startsWith('audio/')) return html`<p><audio src="${href}" controls></audio></p>`;
  return html`<p>A browser does not show this type in a page.</p>`;
}
