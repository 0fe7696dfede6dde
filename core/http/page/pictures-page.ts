import { octetsToText } from '../../base/octets.ts';
import { sizeText } from '../../block/size-text.ts';
import type { TreeEntry } from '../../tree/tree.ts';
import { urlSegment } from '../headers.ts';
import type { Html } from './html.ts';
import { html, visible } from './html.ts';
import type { PagePlace } from './listing.ts';
import { breadcrumbs, nameOf } from './listing.ts';
import { pageEnd, pageStart } from './page.ts';

/** Pictures that load at once; others load while the user scrolls. */
const EAGER = 12;

/** The page of a Dir's pictures as thumbnails. @param isWhole - whether these are all */
export function* picturesPage(place: PagePlace, pictures: readonly TreeEntry[], isWhole: boolean): Generator<Html> {
  yield pageStart(`${nameOf(place)} – pictures`);
  yield html`<header><h1>${breadcrumbs(place)}</h1>
<nav><a href="./" data-key="u">List</a><span>${pictures.length} pictures</span></nav></header>
<main><ul class="tiles">
`;
  for (const [i, { name, size }] of pictures.entries()) {
    const [href, text] = [`./${urlSegment(name)}`, visible(octetsToText(name))];
    const lazy = i < EAGER ? undefined : html` loading="lazy"`;
    yield html`<li><a href="${href}?view" title="${text}, ${sizeText(size)}"><img src="${href}?thumbnail" alt="" decoding="async"${lazy}><span>${text}</span></a></li>
`;
  }
  yield html`</ul>
<p>${pictures.length === 0 ? 'There is no picture here.' : undefined}${isWhole ? undefined : 'There are more; the list has all.'}</p></main>
`;
  yield pageEnd();
}
