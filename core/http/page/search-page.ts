import { octetsToText } from '../../base/octets.ts';
import { urlPath } from '../headers.ts';
import type { SearchResult } from '../search.ts';
import type { Html } from './html.ts';
import { html, visible } from './html.ts';
import type { PagePlace } from './listing.ts';
import { breadcrumbs, direntCells, groupBreak, searchForm } from './listing.ts';
import { pageEnd, pageStart } from './page.ts';
import { GROUP_ROWS } from './page-script.ts';

/** The page of search results below a Dir. */
export function* searchPage(place: PagePlace, text: string, { found, end }: SearchResult): Generator<Html> {
  yield pageStart(`${visible(text)} – search`);
  yield html`<header><h1>${breadcrumbs(place)}</h1>
<nav><a href="./">This Dir</a>${searchForm(text)}</nav></header>
<main><table class="list dir" data-group="${GROUP_ROWS}"><caption>Names below with “${visible(text)}”</caption><thead><tr><th><button>Name</button></th><th class="n"><button>Size</button></th><th><button>Modified (UTC)</button></th><th><button>Type</button></th></tr></thead><tbody>
`;
  for (const [i, { path, dirent }] of found.entries())
    yield html`${groupBreak(i)}<tr>${direntCells(`./${urlPath(path)}`, visible(octetsToText(path)), dirent)}</tr>
`;
  yield html`</tbody></table>
<p>${found.length === 0 ? 'No name below has that text.' : `${found.length} found.`}${end === 'all' ? undefined : end === 'found' ? ' There are more: give more of the name.' : ' The tree has more names than are searched here; find of the shell looks at all.'}</p></main>
`;
  yield pageEnd();
}
