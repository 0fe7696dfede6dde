import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ParseError } from '../../../core/base/errors.ts';
import { formatBlock, parseBlock } from '../../../core/block/block-text.ts';
import { decodeBlockref, encodeBlockref } from '../../../core/block/blockref.ts';
import { formatHashcode, parseHashcode } from '../../../core/block/hashcode-text.ts';
import { blocks, hashcodes } from '../../support/arbitraries.ts';
import { decodesOrRefuses, refusesAt, refusesEveryTruncation, survivesEveryBitFlip } from '../../support/fuzz/decoding.ts';

describe('hashcodes and Block references', () => {
  it('parse(print(x)) is x, for any hashcode and any Block, in one line of printable ASCII', () => {
    fc.assert(fc.property(hashcodes, (hashcode) => assert.deepEqual(parseHashcode(formatHashcode(hashcode)), hashcode)));
    fc.assert(
      fc.property(blocks, (block) => {
        const text = formatBlock(block);
        assert.match(text, /^[!-~]+$/);
        assert.deepEqual(parseBlock(text), block);
      }),
    );
  });

  it('a text cut short is refused at whatever length', () => {
    fc.assert(
      fc.property(blocks, (block) => {
        const text = formatBlock(block);
        for (let length = 0; length < text.length; length++) assert.throws(() => parseBlock(text.slice(0, length)), ParseError);
      }),
      { numRuns: 30 },
    );
  });

  it('a text with any character changed is parsed or refused with a VtError', () => {
    fc.assert(
      fc.property(blocks, fc.nat(), fc.string({ maxLength: 2, unit: 'binary' }), (block, at, inserted) => {
        const text = formatBlock(block);
        const place = at % text.length;
        decodesOrRefuses(() => parseBlock(text.slice(0, place) + inserted + text.slice(place + 1)), text);
      }),
    );
  });

  it('decode(encode(x)) is x, for any Block', () => {
    fc.assert(
      fc.property(blocks, (block) => {
        const encoded = encodeBlockref(block);
        assert.deepEqual(decodeBlockref(encoded, 0), { value: block, next: encoded.length });
      }),
    );
  });

  it('bytes cut short are refused at whatever length, and a flipped bit gives a value or a VtError', () => {
    fc.assert(
      fc.property(blocks, (block) => {
        const encoded = encodeBlockref(block);
        refusesEveryTruncation(encoded, (data) => decodeBlockref(data, 0));
        survivesEveryBitFlip(encoded, (data) => decodeBlockref(data, 0));
      }),
      { numRuns: 50 },
    );
  });

  it('what is decoded keeps no hold on the bytes that it came from', () => {
    const encoded = Buffer.from('0d020a0273686f72742064617461', 'hex');
    const { value } = decodeBlockref(encoded, 0);
    encoded.fill(0);
    assert.equal(formatBlock(value), 'LB{[short]20[data]}');
  });

  const LITERALS = [
    { text: 'LB{}', data: '' },
    { text: 'LB{[a}b]}', data: '617d62' },
    { text: 'LB{6162}', data: '6162' },
    { text: 'LB{[abc]}', data: '616263' },
    { text: 'LB{00[{"a":]ff}', data: '007b2261223aff' },
  ];
  for (const { text, data } of LITERALS) {
    it(`${text} is a literal that prints as it is read`, () => {
      const block = parseBlock(text);
      assert.equal(block.kind === 'literal' && Buffer.from(block.data).toString('hex'), data);
      assert.equal(formatBlock(block), text);
    });
  }

  it('the octet of a run is always in hex, and the span of an indirect Block may be missing', () => {
    assert.deepEqual(parseBlock('RLE{span:7,octet:61}'), { kind: 'run', span: 7, octet: 0x61 });
    const hash = `B{hash:H{sha1:${'00'.repeat(20)}}}`;
    assert.equal(parseBlock(`I{${hash}}`).span, -1);
    assert.equal(formatBlock(parseBlock(`I{${hash}}`)), `I{${hash}}`);
  });

  const REFUSED = [
    { text: 'B{span:1}', offset: 2 },
    { text: 'RLE{span:7}', offset: 4 },
    { text: 'RLE{span:7,octet:1}', offset: 17 },
    { text: 'SubB{block:LB{[abc]},offset:2,span:2}', offset: 5 },
    { text: 'I{1:RLE{span:1,octet:00}}', offset: 4 },
    { text: 'LB{[]}', offset: 4 },
    { text: 'LB{0}', offset: 3 },
    { text: `H{sha1:${'0'.repeat(39)}}`, offset: 0 },
    { text: 'SubB{block:'.repeat(40), offset: 363 },
  ];
  for (const { text, offset } of REFUSED) {
    it(`${text.slice(0, 40)} is refused at offset ${offset}`, () => {
      refusesAt(offset, () => parseBlock(text));
    });
  }
});
