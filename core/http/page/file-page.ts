import type { Octets } from '../../base/octets.ts';
import { octetsToText } from '../../base/octets.ts';
import { defaultMode } from '../../dirent/meta.ts';
import type { TreeEntry } from '../../tree/tree.ts';
import { urlSegment } from '../headers.ts';
import type { Html } from './html.ts';
import { html, visible } from './html.ts';
import type { PagePlace } from './listing.ts';
import { breadcrumbsTo, timeText } from './listing.ts';
import { markdown } from './markdown.ts';
import { pageEnd, pageStart } from './page.ts';

/** A file as its page shows it. */
export interface ViewedFile extends PagePlace {
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
  yield html`<header><h1>${breadcrumbsTo(file)}</h1>
<nav><a href="./" data-key="u">Up</a><a href="${href}">Open</a><a href="${href}?download">Download</a><a href="${href}?blocks">Blocks</a>${file.history === undefined ? undefined : html`<a href="${href}?log">Versions</a>`}</nav></header>
<main>${shown(file, href, name)}
<dl><dt>Size</dt><dd>${entry.size} bytes</dd><dt>Type</dt><dd>${contentType}</dd><dt>Modified</dt><dd>${timeText(mtimeNs)} UTC</dd>
<dt>Owner</dt><dd>${owner}</dd><dt>Mode</dt><dd>${(mode ?? defaultMode(entry.dirent.kind)).toString(8).padStart(4, '0')}</dd><dt>Names</dt><dd>${entry.nlink}</dd><dt>Content</dt><dd><code>${file.blockref}</code></dd></dl></main>
`;
  yield pageEnd();
}

function shown({ contentType, text }: ViewedFile, href: string, name: string): Html {
  if (text !== undefined) {
    const made = text.isWhole && contentType.startsWith('text/markdown') ? markdown(text.shown) : undefined;
    if (made !== undefined) return html`<article>${made}</article>`;
    const rest = text.isWhole ? undefined : html`<p>This is the start; <a href="${href}">open</a> shows all.</p>`;
    return html`<pre tabindex="0">${text.shown}</pre>${rest}`;
  }
  if (contentType.startsWith('image/')) return html`<p><img src="${href}" alt="${name}"></p>`;
  if (contentType.startsWith('video/')) return html`<p><video src="${href}" controls></video></p>`;
  if (contentType.startsWith('audio/')) return html`<p><audio src="${href}" controls></audio></p>`;
  return html`<p>A browser does not show this type in a page.</p>`;
}
