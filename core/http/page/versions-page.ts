import { octetsToText } from '../../base/octets.ts';
import { sizeText } from '../../block/size-text.ts';
import type { PathState } from '../../history/path-history.ts';
import { urlPath } from '../headers.ts';
import type { Html } from './html.ts';
import { html, visible } from './html.ts';
import type { PagePlace } from './listing.ts';
import { breadcrumbsTo, nameOf, timeText } from './listing.ts';
import { pageEnd, pageStart } from './page.ts';

/** The versions of one path: each is told once, whatever states have it. @param archiveBase - the URL path up to the archive's name */
export function* versionsPage(place: PagePlace, archiveBase: string, versions: readonly PathState[], isWhole: boolean): Generator<Html> {
  const name = nameOf(place);
  yield pageStart(`${name} – versions`);
  yield html`<header><h1>${breadcrumbsTo(place)} <span>versions</span></h1></header>
<main><table class="list"><thead><tr><th><button>Since (UTC)</button></th><th class="n"><button>State</button></th><th class="n"><button>Size</button></th><th class="n"><button>States with it</button></th><th><button>Name then</button></th></tr></thead><tbody>
`;
  for (const { archived, same, path, dirent, size } of versions) {
    const { number, whenNs } = archived;
    const href = `${archiveBase}@${number}/${urlPath(path.slice(1) as typeof path)}${dirent?.kind === 'dir' ? '/' : '?view'}`;
    const time = timeText(whenNs);
    yield html`<tr><td>${dirent === undefined ? html`${time}` : html`<a href="${href}">${time}</a>`}</td><td class="n" data-n="${number}">@${number}</td><td class="n" data-n="${size}">${dirent === undefined ? 'not there' : sizeText(size)}</td><td class="n" data-n="${same + 1}">${same + 1}</td><td>${visible(octetsToText(path))}</td></tr>
`;
  }
  yield html`</tbody></table>
<p>${isWhole ? undefined : 'There are earlier states that were not looked at; log PATH of the shell looks at all.'}</p></main>
`;
  yield pageEnd();
}
