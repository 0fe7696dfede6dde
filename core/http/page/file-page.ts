import type { Octets } from '../../base/octets.ts';
import { octetsToText } from '../../base/octets.ts';
import { defaultMode } from '../../dirent/meta.ts';
import type { TreeEntry } from '../../tree/tree.ts';
import { urlSegment } from '../headers.ts';
import type { Highlighter } from './highlighter.ts';
import { PAGE_FILES } from './highlighter.ts';
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
  /** The Block of its content, as text. */
  readonly blockref: string;
  /** The start of a text. */
  readonly text?: { readonly shown: string; readonly isWhole: boolean } | undefined;
  /** Whether to show the source of a text that could be rendered. */
  readonly isSource: boolean;
  /** The script that colours the text, if its language is known. */
  readonly highlighter: Highlighter | undefined;
  /** The neighbours of a picture in its Dir. */
  readonly before?: Octets | undefined;
  readonly after?: Octets | undefined;
}

/** The page of a file: its metadata, and its content if a browser can show it. */
export function* filePage(file: ViewedFile): Generator<Html> {
  const { entry, contentType } = file;
  const name = visible(octetsToText(entry.name));
  const href = `./${urlSegment(entry.name)}`;
  const { mode, user, group, uid, gid, mtimeNs } = entry.dirent.meta;
  const owner = `${visible(octetsToText(user ?? (String(uid ?? '') as Octets)))}:${visible(octetsToText(group ?? (String(gid ?? '') as Octets)))}`;
  const made = file.text?.isWhole === true && contentType.startsWith('text/markdown') ? markdown(file.text.shown) : undefined;
  yield pageStart(name);
  yield html`<header><h1>${breadcrumbsTo(file)}</h1>
<nav><a href="./" data-key="u">Up</a><a href="${href}">Open</a><a href="${href}?download">Download</a>${made === undefined || file.isSource ? undefined : html`<a href="${href}?view=source">Source</a>`}<a href="${href}?blocks">Blocks</a>${file.history === undefined ? undefined : html`<a href="${href}?log">Versions</a>`}${beside(file)}</nav></header>
<main>${made !== undefined && !file.isSource ? html`<article>${made}</article>` : shown(file, href, name)}
<dl><dt>Size</dt><dd>${entry.size} bytes</dd><dt>Type</dt><dd>${contentType}</dd><dt>Modified</dt><dd>${timeText(mtimeNs)} UTC</dd>
<dt>Owner</dt><dd>${owner}</dd><dt>Mode</dt><dd>${(mode ?? defaultMode(entry.dirent.kind)).toString(8).padStart(4, '0')}</dd><dt>Hard links</dt><dd>${entry.nlink}</dd><dt>Checksum</dt><dd><a href="${href}?sha256">SHA-256</a></dd></dl></main>
<footer><dl><dt>Content</dt><dd><code>${file.blockref}</code></dd></dl></footer>
`;
  if (file.highlighter !== undefined && (made === undefined || file.isSource))
    yield html`<script src="${PAGE_FILES}${file.highlighter.name}" integrity="${file.highlighter.integrity}" defer></script>
`;
  yield pageEnd();
}

/** Links to the previous and next picture. */
function beside({ before, after }: ViewedFile): Html {
  const link = (name: Octets | undefined, text: string, key: string): Html | undefined =>
    name === undefined ? undefined : html`<a href="./${urlSegment(name)}?view" data-key="${key}" rel="${text.toLowerCase()}">${text}</a>`;
  return html`${link(before, 'Previous', 'ArrowLeft')}${link(after, 'Next', 'ArrowRight')}`;
}

function shown({ contentType, text, highlighter }: ViewedFile, href: string, name: string): Html {
  if (text !== undefined) {
    const rest = text.isWhole ? undefined : html`<p>This is the start; <a href="${href}">open</a> shows all.</p>`;
    const language = highlighter === undefined ? undefined : html` class="language-${highlighter.language}"`;
    return html`<pre tabindex="0"><code${language}>${text.shown}</code></pre>${rest}`;
  }
  if (contentType.startsWith('image/')) return html`<p><img src="${href}" alt="${name}"></p>`;
  if (contentType.startsWith('video/')) return html`<p><video src="${href}" controls></video></p>`;
  if (contentType.startsWith('audio/')) return html`<p><audio src="${href}" controls></audio></p>`;
  return html`<p>A browser does not show this type in a page.</p>`;
}
