import { sizeText } from '../../block/size-text.ts';
import type { BlockTreeStats } from '../../block/tree-stats.ts';
import type { MappedLeaf } from '../block-map.ts';
import { Html, html } from './html.ts';
import type { PagePlace } from './listing.ts';
import { breadcrumbsTo, nameOf } from './listing.ts';
import { pageEnd, pageStart } from './page.ts';

/** Units of the map's width. */
const WIDTH = 1000;

/** The page of a file's Blocks: a map of them in order, and a histogram of their sizes. */
export function* blocksPage(place: PagePlace, stats: BlockTreeStats, map: readonly MappedLeaf[]): Generator<Html> {
  const name = nameOf(place);
  const most = stats.histogram.reduce((max, { leaves }) => Math.max(max, leaves), 1);
  yield pageStart(`${name} – Blocks`);
  yield html`<header><h1>${breadcrumbsTo(place)} <span>Blocks</span></h1></header>
<main><h2>In their order</h2>
${mapPicture(stats.span, map)}
<p class="key"><svg class="map" width="12" height="12" aria-hidden="true"><rect class="once" width="12" height="12"/></svg> stored <svg class="map" width="12" height="12" aria-hidden="true"><rect class="again" width="12" height="12"/></svg> the same as an earlier one <svg class="map" width="12" height="12" aria-hidden="true"><rect class="run" width="12" height="12"/></svg> zeros or a short text, not stored</p>
<h2>By size</h2>
<table><thead><tr><th>Size from</th><th>Blocks</th><th class="n">Number</th><th class="n">Bytes</th></tr></thead><tbody>
`;
  for (const { minSize, leaves, bytes } of stats.histogram)
    yield html`<tr><td>${sizeText(minSize)}</td><td><meter min="0" max="${most}" value="${leaves}" aria-label="${leaves} Blocks"></meter></td><td class="n">${leaves}</td><td class="n">${sizeText(bytes)}</td></tr>
`;
  yield html`</tbody></table>
<dl><dt>Content</dt><dd>${stats.span} bytes</dd><dt>Blocks</dt><dd>${stats.leaves}, of which ${stats.uniqueLeaves} different ones are stored (${sizeText(stats.uniqueBytes)})</dd><dt>Lists of them</dt><dd>${stats.superblocks}, ${stats.depth} deep</dd></dl></main>
`;
  yield pageEnd();
}

function mapPicture(span: number, map: readonly MappedLeaf[]): Html {
  const bars = map.map(({ start, size, kind }) => {
    const x = (start / span) * WIDTH;
    const width = Math.max(0.4, (size / span) * WIDTH - 0.3);
    return `<rect class="${kind}" x="${x.toFixed(1)}" width="${width.toFixed(1)}" height="40"/>`;
  });
  return html`<svg class="map" viewBox="0 0 ${WIDTH} 40" width="100%" height="40" preserveAspectRatio="none" role="img" aria-label="The Blocks in their order">${new Html(bars.join(''))}</svg>`;
}
