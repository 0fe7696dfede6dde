import type { StatusItem } from '../status-item.ts';
import type { Html } from './html.ts';
import { html, visible } from './html.ts';
import { pageEnd, pageStart } from './page.ts';

/** The page of the Store's status. */
export function* statusPage(items: readonly StatusItem[]): Generator<Html> {
  const count = items.filter(({ trouble }) => trouble !== undefined).length;
  yield pageStart('Status');
  yield html`<header><h1><a href="/">Store</a> <span>status</span></h1></header>
<main><p>${count === 0 ? 'All is well.' : html`<del>${count} ${count === 1 ? 'line needs' : 'lines need'} care.</del>`}</p>
<table class="list"><thead><tr><th><button>What</button></th><th><button>State</button></th><th><button>Needs care</button></th></tr></thead><tbody>
`;
  for (const { what, text, trouble } of items)
    yield html`<tr><td>${what}</td><td>${visible(text)}</td><td>${trouble === undefined ? undefined : html`<del>${visible(trouble)}</del>`}</td></tr>
`;
  yield html`</tbody></table></main>
`;
  yield pageEnd();
}
