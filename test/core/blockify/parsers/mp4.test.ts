import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mp4Parser } from '../../../../core/blockify/parsers/mp4.ts';
import { box, moovBox } from '../../../support/contents/media-files.ts';
import { edgesOf, holdsForAnyOctets, newOctets } from '../../../support/contents/parsing.ts';
import { makeRandom } from '../../../support/random.ts';

const random = makeRandom(24);
const FTYP = box('ftyp', [Buffer.from('isom\0\0\0\0mp41')]);

/** A film of two tracks whose chunks lie by turns, with the tables before the data. */
function film(video: readonly Buffer[], audio: readonly Buffer[], metadata: Buffer, options: { large?: boolean } = {}) {
  const { large = false } = options;
  const chunks = video.flatMap((chunk, i) => [chunk, ...(audio[i] === undefined ? [] : [audio[i]])]);
  const offsetsIn = (start: number): Map<Buffer, number> => {
    const offsets = new Map<Buffer, number>();
    let at = start;
    for (const chunk of chunks) {
      offsets.set(chunk, at);
      at += chunk.length;
    }
    return offsets;
  };
  const moovAt = (offsets: Map<Buffer, number>): Buffer =>
    moovBox(
      [video, audio].filter((track) => track.length > 0).map((track) => track.map((chunk) => offsets.get(chunk) ?? 0)),
      metadata,
      large,
    );
  const start = FTYP.length + moovAt(offsetsIn(0)).length + (large ? 16 : 8);
  const offsets = offsetsIn(start);
  return { data: Buffer.concat([FTYP, moovAt(offsets), box('mdat', chunks, large)]), offsets: [...offsets.values()] };
}

function chunksOf(count: number, size: number): Buffer[] {
  return Array.from({ length: count }, () => random.bytes(size + random.below(size)));
}

describe('mp4', () => {
  for (const large of [false, true]) {
    it(`edges stand at boxes, at the media data and at chunks, with numbers of ${large ? 8 : 4} octets`, () => {
      const { data, offsets } = film(chunksOf(10, 3000), chunksOf(10, 600), random.bytes(400), { large });
      const [first = 0] = offsets;
      assert.deepEqual(edgesOf(mp4Parser, [data]), [FTYP.length, first - (large ? 16 : 8), ...offsets]);
      assert.ok(mp4Parser.begins?.(data.subarray(0, 4096)));
    });
  }

  it('fragments, data before their tables, and a last box without a size', () => {
    const parts = [FTYP, box('moof', [random.bytes(200)]), box('mdat', [random.bytes(5000)]), box('moof', [random.bytes(200)])];
    const last = box('mdat', [random.bytes(5000)]);
    last.writeUInt32BE(0, 0);
    const edges: number[] = [];
    let at = 0;
    for (const part of [...parts, last]) {
      if (at > 0) edges.push(at);
      if (part.toString('latin1', 4, 8) === 'mdat') edges.push(at + 8);
      at += part.length;
    }
    assert.deepEqual(edgesOf(mp4Parser, [...parts, last]), edges);
    const tablesLast = [FTYP, box('mdat', [random.bytes(5000)]), moovBox([[44, 1044, 2044]], random.bytes(100))];
    assert.deepEqual(edgesOf(mp4Parser, tablesLast), [FTYP.length, FTYP.length + 8, FTYP.length + 5008]);
  });

  it('of a table of any length every so many chunks are kept', () => {
    const { data, offsets } = film(
      Array.from({ length: 9000 }, () => Buffer.alloc(16, 1)),
      [],
      Buffer.alloc(8),
    );
    const edges = edgesOf(mp4Parser, [data]).slice(2);
    assert.deepEqual(
      edges,
      offsets.filter((_, i) => i % 16 === 0),
    );
  });

  it('hostile sizes and tables lead nowhere', () => {
    const rest = random.bytes(5000);
    for (const size of [2, 7, 0xffffffff]) {
      const bad = box('moov', [rest]);
      bad.writeUInt32BE(size, 0);
      assert.deepEqual(edgesOf(mp4Parser, [FTYP, bad, rest]), size === 0xffffffff ? [FTYP.length] : []);
    }
    const huge = box('mdat', [rest], true);
    huge.fill(0xff, 8, 16);
    assert.deepEqual(edgesOf(mp4Parser, [FTYP, huge]), []);
    const nested = Array.from({ length: 500 }).reduce<Buffer>((inner) => box('moov', [inner]), rest);
    assert.deepEqual(edgesOf(mp4Parser, [FTYP, nested, FTYP]), [FTYP.length, FTYP.length + nested.length]);
    const lies = moovBox([[0, 5, 2 ** 31, 900, 0xffffffff, 12]], rest, true);
    assert.deepEqual(edgesOf(mp4Parser, [FTYP, lies, box('mdat', [Buffer.alloc(100)])]), [20, 20 + lies.length, 28 + lies.length]);
    assert.ok(!mp4Parser.begins?.(Buffer.alloc(4096)));
    assert.ok(!mp4Parser.begins?.(Buffer.from('all free words of a text')));
  });

  it('the content comes back, with the same edges however it is cut, whatever octets it has', async () => {
    const { data } = film(chunksOf(12, 500), chunksOf(12, 100), random.bytes(200));
    const { data: large } = film(chunksOf(12, 500), chunksOf(12, 100), random.bytes(200), { large: true });
    await holdsForAnyOctets(mp4Parser, [
      data,
      large,
      Buffer.concat([FTYP, box('moof', [random.bytes(90)]), box('mdat', [random.bytes(900)])]),
    ]);
  });

  it('longer metadata before the data cost themselves, and so does a track mixed in', async () => {
    const video = chunksOf(30, 60_000);
    const audio = chunksOf(30, 8000);
    const { data } = film(video, audio, random.bytes(2000));
    const { data: longer } = film(video, audio, random.bytes(12_000));
    const cost = await newOctets([data], longer, mp4Parser);
    assert.ok(cost < 12_000 + 1000, `${cost}`);
    const { data: silent } = film(video, [], random.bytes(2000));
    const withParser = await newOctets([silent], data, mp4Parser);
    const without = await newOctets([silent], data);
    const added = audio.reduce((sum, { length }) => sum + length, 0);
    assert.ok(withParser < added * 1.15 && without > added * 1.5, `${added} added: ${withParser} with the parser, ${without} without`);
  });
});
