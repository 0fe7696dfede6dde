import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import type { SizeBucket } from '../../../core/block/tree-stats.ts';
import { histogramSvg } from '../../../core/blockify/histogram-svg.ts';

const BUCKETS: readonly SizeBucket[] = [
  { minSize: 1024, leaves: 10, bytes: 15_000 },
  { minSize: 4096, leaves: 60, bytes: 400_000 },
  { minSize: 8192, leaves: 30, bytes: 330_000 },
];

/** The rectangles of a class: where they are and how large. */
function rectangles(svg: string, kind: string): { x: number; y: number; height: number }[] {
  const found = svg.matchAll(new RegExp(`<rect class="${kind}" x="([\\d.]+)" y="([\\d.]+)" width="[\\d.]+" height="([\\d.]+)"/>`, 'g'));
  return [...found].map(([, x, y, height]) => ({ x: Number(x), y: Number(y), height: Number(height) }));
}

/** Whether every element that is opened is closed, in turn, and no letter stands where it must not. */
function assertWellFormed(svg: string): void {
  const open: string[] = [];
  for (const [, closing, name = '', selfClosing] of svg
    .replace(/<style>[^<]*<\/style>/, '')
    .matchAll(/<(\/?)([a-z]+)(?: [a-zA-Z:0-9-]+="[^"<]*")*(\/?)>/g)) {
    if (closing === '/') assert.equal(open.pop(), name);
    else if (selfClosing !== '/') open.push(name);
  }
  assert.deepEqual(open, []);
  assert.equal(svg.replace(/<\/?[a-z]+(?: [a-zA-Z:0-9-]+="[^"<]*")*\/?>/g, '').search(/[<>]/), -1);
}

describe('a picture of the sizes of Blocks', () => {
  it('bars are as high as the shares, in the order of the sizes, with gaps where no Block is', () => {
    const svg = histogramSvg(BUCKETS, 'a file');
    assertWellFormed(svg);
    const blocks = rectangles(svg, 'blocks').filter(({ y }) => y > 60);
    const octets = rectangles(svg, 'octets').filter(({ y }) => y > 60);
    assert.equal(blocks.length, 3);
    assert.equal(octets.length, 3);
    const [first, second, third] = blocks;
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    assert.ok(Math.abs(second.height / first.height - 6) < 0.05 && Math.abs(second.height / third.height - 2) < 0.05);
    // The bin of 2 KiB is empty.
    assert.ok(Math.abs((second.x - first.x) / (third.x - second.x) - 2) < 0.01);
    for (const label of ['1 KiB', '2 KiB', '4 KiB', '8 KiB', '16 KiB']) assert.ok(svg.includes(`>${label}</text>`), label);
  });

  it('it says in words what it shows, for those who do not see it', () => {
    const svg = histogramSvg(BUCKETS, 'a file');
    assert.match(svg, /role="img" aria-labelledby="title desc"/);
    assert.match(svg, /<title id="title">Sizes of the Blocks of a file<\/title>/);
    assert.match(
      svg,
      /<desc id="desc">100 Blocks, 728 KiB, 7\.3 KiB on average; 1 KiB to 2 KiB: 10 \(10\.0%\), 14\.6 KiB \(2\.0%\); 4 KiB/,
    );
    assert.match(svg, /prefers-color-scheme: dark/);
  });

  it('one Block, no Block, Blocks of 1 octet to 16 MiB, and any name', () => {
    assertWellFormed(histogramSvg([], 'nothing'));
    assert.match(histogramSvg([], 'nothing'), />no Blocks<\/text>/);
    assertWellFormed(histogramSvg([{ minSize: 8192, leaves: 1, bytes: 9000 }], 'one'));
    const wide = Array.from({ length: 25 }, (_, i) => ({ minSize: 2 ** i, leaves: i + 1, bytes: (i + 1) * 2 ** i }));
    const svg = histogramSvg(wide, 'all');
    assertWellFormed(svg);
    assert.equal(rectangles(svg, 'blocks').length, 25);
    const named = histogramSvg(BUCKETS, '<b> & "c"\n\u0000\ud800 ]]>');
    assertWellFormed(named);
    assert.ok(named.includes('&lt;b&gt; &amp; &quot;c&quot;\ufffd\ufffd\ufffd ]]&gt;'));
    assertWellFormed(histogramSvg(BUCKETS, '/a/very/long/path'.repeat(20)));
  });

  it('another program draws it', (t) => {
    const drawn = spawnSync('rsvg-convert', ['-f', 'png'], { input: histogramSvg(BUCKETS, 'a file') });
    if (drawn.error !== undefined) return t.skip('rsvg-convert is not installed');
    assert.equal(drawn.status, 0, drawn.stderr.toString());
    assert.equal(drawn.stdout.toString('latin1', 1, 4), 'PNG');
  });
});
