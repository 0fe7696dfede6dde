import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TextReader } from '../../../core/base/text-reader.ts';
import { decodeTime, encodeTime, formatTime, readTime } from '../../../core/dirent/time-codec.ts';
import { refusesEveryTruncation, survivesEveryBitFlip } from '../../support/fuzz/decoding.ts';

const LIMIT_NS = 2n ** 51n * 1_000_000_000n;
const times = fc.oneof(fc.bigInt({ min: -LIMIT_NS, max: LIMIT_NS - 1n }), fc.bigInt({ min: -(10n ** 10n), max: 10n ** 10n }));

const BY_HAND = [
  { timeNs: 0n, hex: '0000', text: '0.000000000' },
  { timeNs: 1n, hex: '0001', text: '0.000000001' },
  { timeNs: 1_000_000_000n, hex: '0200', text: '1.000000000' },
  { timeNs: -1n, hex: '0183dceb937f', text: '-0.000000001' },
  { timeNs: -1_000_000_000n, hex: '0100', text: '-1.000000000' },
  { timeNs: -1_500_000_000n, hex: '0381eeb5ca00', text: '-1.500000000' },
];

describe('times', () => {
  for (const { timeNs, hex, text } of BY_HAND) {
    it(`${timeNs} ns is ${text} and ${hex}`, () => {
      assert.equal(encodeTime(timeNs).toString('hex'), hex);
      assert.equal(decodeTime(Buffer.from(hex, 'hex')), timeNs);
      assert.equal(formatTime(timeNs), text);
      assert.equal(readTime(new TextReader(text)), timeNs);
    });
  }

  it('any time comes back from its bytes and its text, to the nanosecond and before 1970', () => {
    fc.assert(
      fc.property(times, (timeNs) => {
        const encoded = encodeTime(timeNs);
        assert.equal(decodeTime(encoded), timeNs);
        assert.equal(readTime(new TextReader(formatTime(timeNs))), timeNs);
        refusesEveryTruncation(encoded, decodeTime);
        survivesEveryBitFlip(encoded, decodeTime);
      }),
    );
  });

  it('times further than 2^51 seconds from 1970 are refused', () => {
    assert.throws(() => encodeTime(LIMIT_NS), RangeError);
    assert.throws(() => encodeTime(-LIMIT_NS - 1n), RangeError);
  });
});
