import { groupedDigits } from '../base/grouped-digits.ts';
import { largestOf } from '../base/lists.ts';
import type { SizeBucket } from '../block/tree-stats.ts';

const WIDTH = 760;
const HEIGHT = 420;

/** The area of the bars. */
const LEFT = 64;
const RIGHT = WIDTH - 24;
const TOP = 84;
const BOTTOM = HEIGHT - 64;

/** The part of a bin's width that its two bars take. */
const BARS_PART = 0.72;

/** The minimum distance of labels. With narrower bins, some ticks have no label. */
const MIN_LABEL_WIDTH = 44;

const UNITS = ['', ' KiB', ' MiB', ' GiB'] as const;

/**
 * Blue and orange from M. Okabe and K. Ito, "Color Universal Design". People who are blind to red or green can distinguish them, on light
 * and
 * dark backgrounds.
 */
const STYLE = `
  text { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: #333 }
  .heading { font-size: 17px; font-weight: 600; fill: #111 }
  .ground { fill: #fff }
  .grid { stroke: #ddd }
  .axis { stroke: #777 }
  .blocks { fill: #0072b2 }
  .octets { fill: #e69f00 }
  @media (prefers-color-scheme: dark) {
    text { fill: #ccc }
    .heading { fill: #fff }
    .ground { fill: #16181c }
    .grid { stroke: #33373d }
    .axis { stroke: #888 }
    .blocks { fill: #56b4e9 }
  }
`;

/**
 * Draws a histogram of Block sizes. For each power of two it shows the share of Blocks with at least that size but less than twice as
 * much, and their share of all bytes. The result is one self-contained SVG 1.1 document for light and dark backgrounds.
 *
 * @param buckets - ascending, each `minSize` a power of two; may be empty
 * @param name - the name of the content, for the heading
 */
export function histogramSvg(buckets: readonly SizeBucket[], name: string): string {
  const leaves = sum(buckets.map((bucket) => bucket.leaves));
  const bytes = sum(buckets.map((bucket) => bucket.bytes));
  const bins = everyBin(buckets);
  const summary = `${groupedDigits(leaves)} ${leaves === 1 ? 'Block' : 'Blocks'}, ${sizeText(bytes)}${leaves === 0 ? '' : `, ${sizeText(bytes / leaves)} on average`}`;
  const shares = bins.map((bin) => ({ ...bin, blocksShare: share(bin.leaves, leaves), octetsShare: share(bin.bytes, bytes) }));
  const top = topShare(largestOf(shares.flatMap(({ blocksShare, octetsShare }) => [blocksShare, octetsShare])));

  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-labelledby="title desc">`,
    `<title id="title">${escapeXml(`Sizes of the Blocks of ${name}`)}</title>`,
    `<desc id="desc">${escapeXml([summary, ...shares.filter((bin) => bin.leaves > 0).map(binText)].join('; '))}</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="ground" width="${WIDTH}" height="${HEIGHT}" rx="8"/>`,
    text(LEFT, 34, `Sizes of the Blocks of ${shortened(name)}`, 'class="heading"'),
    text(LEFT, 58, summary),
    ...legend(),
    ...shareAxis(top),
    ...shares.flatMap((bin, i) => bars(bin, i, shares.length, top)),
    ...sizeAxis(bins, leaves > 0),
    '</svg>',
  ];
  return `${lines.join('\n')}\n`;
}

interface Bin extends SizeBucket {
  readonly blocksShare: number;
  readonly octetsShare: number;
}

/** All bins from the smallest to the largest, including empty ones between. */
function everyBin(buckets: readonly SizeBucket[]): SizeBucket[] {
  const found = new Map(buckets.map((bucket) => [bucket.minSize, bucket]));
  const bins: SizeBucket[] = [];
  const last = buckets.at(-1)?.minSize ?? 0;
  for (let minSize = buckets[0]?.minSize ?? 1; minSize <= last; minSize *= 2)
    bins.push(found.get(minSize) ?? { minSize, leaves: 0, bytes: 0 });
  return bins;
}

function legend(): string[] {
  const entry = (x: number, kind: string): string =>
    `<rect class="${kind}" x="${x}" y="48" width="12" height="12" rx="2"/>${text(x + 18, 58, kind)}`;
  return [entry(RIGHT - 150, 'blocks'), entry(RIGHT - 70, 'octets')];
}

/** Lines and labels of the shares. */
function shareAxis(top: number): string[] {
  const step = top / 5;
  return Array.from({ length: 6 }, (_, i) => {
    const y = round(BOTTOM - (i / 5) * (BOTTOM - TOP));
    const line = `<line class="${i === 0 ? 'axis' : 'grid'}" x1="${LEFT}" x2="${RIGHT}" y1="${y}" y2="${y}"/>`;
    return line + text(LEFT - 10, y + 4, `${round(i * step * 100)}%`, 'text-anchor="end"');
  });
}

function bars(bin: Bin, index: number, count: number, top: number): string[] {
  if (bin.leaves === 0) return [];
  const width = (RIGHT - LEFT) / count;
  const barWidth = Math.min(40, (width * BARS_PART) / 2);
  const middle = LEFT + (index + 0.5) * width;
  const bar = (kind: string, x: number, part: number): string => {
    // At least one unit, to be visible.
    const height = Math.max(1, (part / top) * (BOTTOM - TOP));
    return `<rect class="${kind}" x="${round(x)}" y="${round(BOTTOM - height)}" width="${round(barWidth)}" height="${round(height)}"/>`;
  };
  const shapes = bar('blocks', middle - barWidth, bin.blocksShare) + bar('octets', middle, bin.octetsShare);
  return [`<g><title>${escapeXml(binText(bin))}</title>${shapes}</g>`];
}

/** Ticks between the bins, with the minimum size of each as label. */
function sizeAxis(bins: readonly SizeBucket[], hasBlocks: boolean): string[] {
  if (!hasBlocks) return [text((LEFT + RIGHT) / 2, (TOP + BOTTOM) / 2, 'no Blocks', 'text-anchor="middle"')];
  const width = (RIGHT - LEFT) / bins.length;
  const every = Math.ceil(MIN_LABEL_WIDTH / width);
  const ends = [...bins.map(({ minSize }) => minSize), (bins.at(-1)?.minSize ?? 1) * 2];
  const ticks = ends.map((size, i) => {
    const x = round(LEFT + i * width);
    const tick = `<line class="axis" x1="${x}" x2="${x}" y1="${BOTTOM}" y2="${BOTTOM + 5}"/>`;
    return i % every === 0 ? tick + text(x, BOTTOM + 20, sizeText(size), 'text-anchor="middle"') : tick;
  });
  return [...ticks, text((LEFT + RIGHT) / 2, HEIGHT - 18, 'bytes of a Block', 'text-anchor="middle"')];
}

function binText({ minSize, leaves, bytes, blocksShare, octetsShare }: Bin): string {
  const range = `${sizeText(minSize)} to ${sizeText(minSize * 2)}`;
  return `${range}: ${groupedDigits(leaves)} (${percentText(blocksShare)}), ${sizeText(bytes)} (${percentText(octetsShare)})`;
}

/** The smallest of a few round shares that is at least `most`. */
function topShare(most: number): number {
  return [0.05, 0.1, 0.25, 0.5, 0.75].find((top) => top >= most) ?? 1;
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${round(x)}" y="${round(y)}"${attributes === '' ? '' : ` ${attributes}`}>${escapeXml(content)}</text>`;
}

function shortened(name: string): string {
  const letters = [...name];
  return letters.length <= 44 ? name : `…${letters.slice(-43).join('')}`;
}

/** Escapes text for an element. Characters that XML 1.0 does not allow become U+FFFD. @see XML 1.0, 2.2 */
function escapeXml(value: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return (
    value
      .toWellFormed()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
      .replace(/[\u0000-\u001f\ufffe\uffff]/g, '\ufffd')
      .replace(/[&<>"]/g, (letter) => entities[letter] ?? letter)
  );
}

function sizeText(size: number): string {
  const power = size < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(size) / 10));
  const value = size / 1024 ** power;
  return `${value >= 100 || Number.isInteger(value) ? groupedDigits(Math.round(value)) : value.toFixed(1)}${UNITS[power]}`;
}

function percentText(part: number): string {
  return `${(part * 100).toFixed(1)}%`;
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
