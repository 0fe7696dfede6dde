import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pdfParser } from '../../../../core/blockify/parsers/pdf.ts';
import { appendToPdf, pdfOf } from '../../../support/contents/media-files.ts';
import { edgesOf, holdsForAnyOctets, newOctets } from '../../../support/contents/parsing.ts';
import { makeRandom } from '../../../support/random.ts';

const random = makeRandom(25);
const STREAMS = [random.bytes(20_000), random.bytes(60), random.bytes(100), random.bytes(5000), random.bytes(511), random.bytes(9000)];

function streamEdges(data: Buffer, streams: readonly Buffer[]): number[] {
  return streams.filter(({ length }) => length > 512).flatMap((stream) => [data.indexOf(stream), data.indexOf(stream) + stream.length]);
}

describe('pdf', () => {
  for (const eol of ['\n', '\r\n']) {
    it(`streams begin and end with an edge, and so does what was saved before, with lines that end in ${JSON.stringify(eol)}`, () => {
      const first = pdfOf(STREAMS, eol);
      const second = appendToPdf(first, [random.bytes(3000)], 7, eol);
      assert.ok(pdfParser.begins?.(first.subarray(0, 4096)));
      assert.deepEqual(edgesOf(pdfParser, [first]), [...streamEdges(first, STREAMS), first.length]);
      const at = second.indexOf('stream', first.length) + 6 + eol.length;
      assert.deepEqual(edgesOf(pdfParser, [second]), [...streamEdges(first, STREAMS), first.length, at, at + 3000, second.length]);
    });
  }

  it('the words of the syntax within text and data are no streams', () => {
    const pdf = Buffer.from(`%PDF-1.4\n% a stream, upstream streams\n${'words '.repeat(500)}endstream\nstream\n`);
    assert.deepEqual(edgesOf(pdfParser, [pdf]), []);
    const unending = Buffer.concat([Buffer.from('%PDF-1.4\n1 0 obj\nstream\n'), random.bytes(9000)]);
    assert.deepEqual(edgesOf(pdfParser, [unending]), [24]);
    assert.ok(!pdfParser.begins?.(Buffer.concat([Buffer.from('As %PDF-'), pdf])));
    assert.ok(!pdfParser.begins?.(Buffer.from('%PD')));
  });

  it('the content comes back, with the same edges however it is cut, whatever octets it has', async () => {
    const small = STREAMS.map((stream) => stream.subarray(0, 1500));
    await holdsForAnyOctets(pdfParser, [pdfOf(small), appendToPdf(pdfOf(small, '\r\n'), small, 9, '\r\n')]);
  });

  it('an image is found again as the file that it was, and what is saved incrementally costs itself', async () => {
    const images = Array.from({ length: 20 }, () => random.bytes(20_000 + random.below(50_000)));
    const pdf = pdfOf(images);
    const size = pdf.length;
    const cost = await newOctets(images, pdf, pdfParser, undefined);
    assert.ok(cost < 20 * 150 + 1000, `${cost} of ${size}`);
    assert.ok((await newOctets(images, pdf)) > 10 * cost);
    const page = random.bytes(3000);
    const saved = appendToPdf(pdf, [page], 21);
    assert.equal(await newOctets([pdf], saved, pdfParser), saved.length - size);
    assert.ok((await newOctets([pdf], saved)) > saved.length - size);
  });
});
