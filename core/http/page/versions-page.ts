import { octetsToText } from '../../base/octets.ts';
import { sizeText } from '../../block/size-text.ts';
import type { PathState } from '../../history/path-history.ts';
import { urlPath } from '../headers.ts';
import type { Html } from './html.ts';
import { html, visible } from './html.ts';
import type { PagePlace } from './listing.ts';
import { breadcrumbsTo, moment, nameOf } from './listing.ts';
import { pageEnd, pageStart } from './page.ts';

/**
 * The page of a path's versions; each is shown once, however many states have it.
 *
 * @param archiveBase - the URL path up to the archive's name
 */
export function* versionsPage(place: PagePlace, archiveBase: string, versions: readonly PathState[], isWhole: boolean): Generator<Html> {
  const name = nameOf(place);
  yield pageStart(`${name} – versions`);
  yield html`<header><h1>${breadcrumbsTo(place)} <span>versions</span></h1></header>
<main><table class="list"><thead><tr><th><button>Since (UTC)</button></th><th class="n"><button>State</button></th><th class="n"><button>Size</button></th><th class="n"><button>States with it</button></th><th><button>Name then</button></th><th>Changes</th></tr></thead><tbody>
`;
  for (const [i, { archived, same, path, dirent, size }] of versions.entries()) {
    const { number, whenNs } = archived;
    const href = `${hrefOf(archiveBase, number, path, dirent)}${dirent?.kind === 'dir' ? '' : '?view'}`;
    const older = versions[i + 1];
    const isComparable = dirent !== undefined && older?.dirent?.kind === dirent.kind && older.path === path;
    const time = moment(whenNs);
    yield html`<tr><td>${dirent === undefined ? time : html`<a href="${href}">${time}</a>`}</td><td class="n" data-n="${number}">@${number}</td><td class="n" data-n="${size}">${dirent === undefined ? 'not there' : dirent.kind === 'dir' ? undefined : sizeText(size)}</td><td class="n" data-n="${same + 1}">${same + 1}</td><td class="p">${visible(octetsToText(path))}</td><td>${isComparable ? html`<a href="${hrefOf(archiveBase, number, path, dirent)}?diff=${older.archived.number}" aria-label="What changed in state ${number}">what changed</a>` : undefined}</td></tr>
`;
  }
  yield html`</tbody></table>
<p>${isWhole ? undefined : 'There are earlier states that were not looked at; log PATH of the shell looks at all.'}</p></main>
`;
  yield pageEnd();
}

function hrefOf(archiveBase: string, number: number, path: PathState['path'], dirent: PathState['dirent']): string {
  return `${archiveBase}@${number}/${urlPath(path.slice(1) as typeof path)}${dirent?.kind === 'dir' ? '/' : ''}`;
}
