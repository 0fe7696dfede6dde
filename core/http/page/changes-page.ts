import { octetsToText } from '../../base/octets.ts';
import { sizeText } from '../../block/size-text.ts';
import { urlSegment } from '../headers.ts';
import type { ChangedName } from '../past/tree-changes.ts';
import type { Html } from './html.ts';
import { html, visible } from './html.ts';
import type { PagePlace } from './listing.ts';
import { breadcrumbs, nameOf } from './listing.ts';
import { pageEnd, pageStart } from './page.ts';
import { shortReference } from './short-reference.ts';

/** A comparison of two states of a Dir. */
export interface ComparedDir extends PagePlace {
  /** The earlier state in the form after `@`, or the reference of another tree. */
  readonly since: string;
  /** The URL path of the same Dir in the earlier state, with its slash. */
  readonly sinceBase: string;
  readonly names: PagePlace['names'];
  readonly changes: readonly ChangedName[];
  readonly isWhole: boolean;
}

/** The page of differences in a Dir since an earlier state, with sums for each subfolder. */
export function* changesPage(dir: ComparedDir): Generator<Html> {
  const { since, changes } = dir;
  const query = `?diff=${encodeURIComponent(since)}`;
  const total = (key: 'added' | 'removed' | 'changed' | 'newBytes' | 'goneBytes'): number =>
    changes.reduce((sum, one) => sum + one[key], 0);
  const text = sinceText(since);
  yield pageStart(`${nameOf(dir)} – changes since ${text}`);
  yield html`<header><h1>${breadcrumbs(dir, query)}</h1>
<nav><a href="./">This Dir</a>${dir.history === undefined ? undefined : html`<a href="${dir.history}">History</a>`}<form><label>Compare with <input name="diff" value="${since}" size="20" autocomplete="off"></label> <button>Compare</button></form></nav></header>
<main><p>Since <b>${text}</b>: ${total('added')} new, ${total('changed')} changed, ${total('removed')} gone; <ins>+${sizeText(total('newBytes'))}</ins> <del>−${sizeText(total('goneBytes'))}</del></p>
<table class="list"><thead><tr><th><button>Name</button></th><th><button>What</button></th><th class="n"><button>New</button></th><th class="n"><button>Gone</button></th><th class="n"><button>Changes</button></th></tr></thead><tbody>
`;
  for (const change of changes) yield row(change, dir.sinceBase, query);
  yield html`</tbody></table>
<p>${changes.length === 0 ? 'Nothing differs.' : undefined}${dir.isWhole ? undefined : 'There are more differences than are counted here; diff of the shell lists all.'}</p></main>
`;
  yield pageEnd();
}

/** The name of the other side, for users. */
export function sinceText(since: string): string {
  if (/^\d+$/.test(since)) return `@${since}`;
  return since.length > 40 ? visible(shortReference(since)) : visible(since);
}

function row(change: ChangedName, sinceBase: string, query: string): Html {
  const { name, before, after, newBytes, goneBytes } = change;
  const node = after ?? before;
  const isDir = node?.kind === 'dir';
  const segment = `${urlSegment(name)}${isDir ? '/' : ''}`;
  const href =
    after === undefined
      ? `${sinceBase}${segment}${isDir ? '' : '?view'}`
      : `./${segment}${before?.kind === after.kind ? query : isDir ? '' : '?view'}`;
  const what = before === undefined ? 'new' : after === undefined ? 'gone' : isDir ? 'changes below' : 'changed';
  return html`<tr><td><a href="${href}">${visible(octetsToText(name))}${isDir ? '/' : ''}</a></td><td>${what}</td><td class="n" data-n="${newBytes}">${newBytes === 0 ? undefined : html`<ins>+${sizeText(newBytes)}</ins>`}</td><td class="n" data-n="${goneBytes}">${goneBytes === 0 ? undefined : html`<del>−${sizeText(goneBytes)}</del>`}</td><td class="n" data-n="${change.added + change.removed + change.changed}">${change.added + change.removed + change.changed}</td></tr>
`;
}
