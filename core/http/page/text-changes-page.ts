import type { Octets } from '../../base/octets.ts';
import { octetsToText } from '../../base/octets.ts';
import type { Hunk } from '../../tree/diff/unified.ts';
import { urlSegment } from '../headers.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';
import type { PagePlace } from './listing.ts';
import { breadcrumbsTo, nameOf } from './listing.ts';
import { pageEnd, pageStart } from './page.ts';

/** A comparison of a file with an earlier state. */
export interface ComparedFile extends PagePlace {
  /** The name of the earlier state or other tree, for users. */
  readonly sinceText: string;
  /** The URL path of the earlier version, if there was one. */
  readonly before: string | undefined;
  /** The changed lines; undefined if it is not text, or too long. */
  readonly hunks: readonly Hunk[] | undefined;
}

/** The page of changed lines of a file. */
export function* textChangesPage(file: ComparedFile): Generator<Html> {
  const { sinceText, before, hunks, names } = file;
  const name = nameOf(file);
  yield pageStart(`${name} – changes since ${sinceText}`);
  yield html`<header><h1>${breadcrumbsTo(file)} <span>changes since ${sinceText}</span></h1>
<nav><a href="./${urlSegment(names.at(-1) ?? ('' as Octets))}?view">Now</a>${before === undefined ? undefined : html`<a href="${before}?view">Before</a>`}</nav></header>
<main>
`;
  if (hunks === undefined) yield html`<p>It is no text that could be shown by its lines, or too long for that.</p>`;
  else if (hunks.length === 0) yield html`<p>Its content did not change.</p>`;
  else yield html`<pre class="diff" tabindex="0">${hunks.map(hunkHtml)}</pre>`;
  yield html`</main>
`;
  yield pageEnd();
}

function hunkHtml({ before, after, lines }: Hunk): Html {
  const rows = lines.map(({ mark, text }) => {
    const line = `${mark}${octetsToText(text.replace(/\n$/, '') as Octets)}\n`;
    return mark === '+' ? html`<ins>${line}</ins>` : mark === '-' ? html`<del>${line}</del>` : html`<span>${line}</span>`;
  });
  return html`<em>Line ${before + 1}, now ${after + 1}
</em>${rows}`;
}
