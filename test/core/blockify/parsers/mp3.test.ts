import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mp3Parser } from '../../../../core/blockify/parsers/mp3.ts';
import { apeTag, id3Tag, MP3_FRAME_SIZE, mp3Frames } from '../../../support/contents/media-files.ts';
import { blocksOf, edgesOf, holdsForAnyOctets, newOctets } from '../../../support/contents/parsing.ts';
import { makeRandom } from '../../../support/random.ts';

const random = makeRandom(23);
const FRAMES = mp3Frames(random, 300);
const ID3V1 = Buffer.concat([Buffer.from('TAG'), Buffer.alloc(125, 0x41)]);
const LYRICS = Buffer.concat([Buffer.from('LYRICSBEGIN'), Buffer.from('la '.repeat(60)), Buffer.from('000180LYRICS200')]);

describe('mp3', () => {
  it('edges stand where the frames begin and end, and between tags', () => {
    const tag = id3Tag(random.bytes(3000));
    assert.deepEqual(edgesOf(mp3Parser, [tag, FRAMES]), [tag.length]);
    assert.deepEqual(edgesOf(mp3Parser, [FRAMES]), []);
    const ape = apeTag(random.bytes(2000));
    const end = tag.length + FRAMES.length;
    assert.deepEqual(edgesOf(mp3Parser, [tag, FRAMES, ape, ID3V1]), [tag.length, end, end + ape.length]);
    assert.deepEqual(edgesOf(mp3Parser, [FRAMES, LYRICS, ID3V1]), [FRAMES.length, FRAMES.length + LYRICS.length]);
    assert.deepEqual(edgesOf(mp3Parser, [tag, tag, FRAMES]), [tag.length, 2 * tag.length]);
    const withFooter = Buffer.concat([tag, Buffer.from('3DI'), tag.subarray(3, 10)]);
    withFooter[5] = 0x10;
    assert.deepEqual(edgesOf(mp3Parser, [withFooter, FRAMES]), [withFooter.length]);
  });

  it('after damage or silence frames and tags are found again', () => {
    const silence = Buffer.alloc(1000);
    const data = Buffer.concat([FRAMES, silence, FRAMES, silence, ID3V1]);
    const second = FRAMES.length + silence.length;
    assert.deepEqual(edgesOf(mp3Parser, [data]), [FRAMES.length, second, second + FRAMES.length, data.length - 128]);
  });

  it('it is known by its tag, or by two frames', () => {
    assert.ok(mp3Parser.begins?.(id3Tag(random.bytes(500)).subarray(0, 20)));
    assert.ok(mp3Parser.begins?.(FRAMES.subarray(0, 4096)));
    assert.ok(!mp3Parser.begins?.(FRAMES.subarray(0, MP3_FRAME_SIZE)));
    assert.ok(!mp3Parser.begins?.(Buffer.from('ID3 is a tag of words, not this')));
    assert.ok(!mp3Parser.begins?.(Buffer.alloc(4096, 0xff)));
    assert.ok(!mp3Parser.begins?.(Buffer.alloc(4096)));
    assert.ok(!mp3Parser.begins?.(Buffer.from('short')));
  });

  it('hostile sizes lead nowhere', () => {
    const hugeTag = Buffer.concat([Buffer.from('4944330400007f7f7f7f', 'hex'), FRAMES]);
    assert.deepEqual(edgesOf(mp3Parser, [hugeTag]), []);
    const hugeApe = apeTag(random.bytes(100));
    hugeApe.fill(0xff, 12, 16);
    assert.deepEqual(edgesOf(mp3Parser, [FRAMES, hugeApe, ID3V1]), [FRAMES.length]);
    assert.deepEqual(edgesOf(mp3Parser, [Buffer.alloc(100_000, 0xff)]), []);
  });

  it('the content comes back, with the same edges however it is cut, whatever octets it has', async () => {
    const frames = FRAMES.subarray(0, 30 * MP3_FRAME_SIZE);
    await holdsForAnyOctets(mp3Parser, [
      Buffer.concat([id3Tag(random.bytes(900)), frames, apeTag(random.bytes(100)), ID3V1]),
      Buffer.concat([frames, Buffer.alloc(500), frames, LYRICS, ID3V1]),
    ]);
  });

  it('a tag that is rewritten, and larger, costs the tag', async () => {
    const frames = mp3Frames(random, 4000);
    const song = (title: number, tail: Buffer): Buffer => Buffer.concat([id3Tag(random.bytes(title)), frames, tail]);
    const before = song(1500, ID3V1);
    const after = song(9000, Buffer.concat([apeTag(random.bytes(500)), ID3V1]));
    const cost = await newOctets([before], after, mp3Parser);
    assert.equal(cost, 9010 + 564);
    assert.ok(cost < (await newOctets([before], after)));
    assert.ok((await blocksOf(after, mp3Parser)).size < after.length / 6000);
  });
});
