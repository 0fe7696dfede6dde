import type { ArchiveEntry } from '../../archive/archive.ts';
import { authorOf } from '../../archive/author-notes.ts';
import { marksOf } from '../../archive/mark-notes.ts';
import type { Html } from './html.ts';
import { html, visible } from './html.ts';
import { moment } from './listing.ts';
import { pageEnd, pageStart } from './page.ts';

/**
 * The page of an archive's states, newest first, each with its tree, author and changes.
 *
 * @param base - the URL path up to the archive's name
 */
export function* historyPage(name: string, base: string, entries: readonly ArchiveEntry[], isWhole: boolean): Generator<Html> {
  yield pageStart(`${visible(name)} – history`);
  yield html`<header><h1><a href="${base}/">${visible(name)}</a> <span>history</span></h1>
<nav><input id="filter" type="search" placeholder="Filter by date ( / )" aria-label="Filter by date" hidden> <span id="count" role="status"></span></nav></header>
<main><table class="list"><thead><tr><th><button>Recorded (UTC)</button></th><th class="n"><button>State</button></th><th>Made by</th><th>Changes</th></tr></thead><tbody>
`;
  for (const [i, entry] of entries.entries()) {
    const { number, whenNs } = entry;
    const before = entries[i + 1]?.number;
    const { tags } = marksOf(entry);
    yield html`<tr><td><a href="${base}@${number}/">${moment(whenNs)}</a></td><td class="n" data-n="${number}">@${number}</td><td class="p">${tags.length === 0 ? undefined : html`<b>${tags.join(' ')}</b> `}${madeBy(entry)}</td><td>${before === undefined ? undefined : html`<a href="${base}@${number}/?diff=${before}" aria-label="What changed in state ${number}">what changed</a>`}</td></tr>
`;
  }
  yield html`</tbody></table>
<p>${isWhole ? undefined : `These are the newest ${entries.length} states; the shell lists all of them by log.`}</p></main>
`;
  yield pageEnd();
}

/** The message of a state, else its commands; and its author. */
function madeBy({ notes }: ArchiveEntry): Html {
  const { message, command, user, host } = authorOf(notes);
  const who = [user, host].filter((part) => part !== undefined).join('@');
  const what = message ?? command;
  return html`${what === undefined ? undefined : visible(what)} ${who === '' ? undefined : html`<small>${visible(who)}</small>`}`;
}
