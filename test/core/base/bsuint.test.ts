import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { bsuintSize, decodeBsdata, decodeBsuint, encodeBsuint } from '../../../core/base/bsuint.ts';
import { ByteWriter } from '../../../core/base/byte-writer.ts';
import { ParseError } from '../../../core/base/errors.ts';
import { refusesEveryTruncation, survivesEveryBitFlip } from '../../support/fuzz/decoding.ts';

describe('integers and data in bytes', () => {
  it('any integer decodes to itself, wherever it stands, and has the size foretold', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.uint8Array({ maxLength: 5 }), (value, before) => {
        const encoded = encodeBsuint(value);
        assert.equal(encoded.length, bsuintSize(value));
        const data = Buffer.concat([before, encoded, before]);
        assert.deepEqual(decodeBsuint(data, before.length), { value, next: before.length + encoded.length });
        refusesEveryTruncation(encoded, (cut) => decodeBsuint(cut, 0));
        survivesEveryBitFlip(encoded, (damaged) => decodeBsuint(damaged, 0));
      }),
    );
  });

  it('redundant leading octets are read, up to 16 octets in all, and numbers beyond 2^53 - 1 refused', () => {
    assert.deepEqual(decodeBsuint(Buffer.from('80808005', 'hex'), 0), { value: 5, next: 4 });
    assert.deepEqual(decodeBsuint(Buffer.from(`${'80'.repeat(15)}05`, 'hex'), 0), { value: 5, next: 16 });
    for (const hex of [`${'80'.repeat(16)}05`, '9080808080808000', 'ff'.repeat(40)]) {
      assert.throws(() => decodeBsuint(Buffer.from(hex, 'hex'), 0), ParseError);
    }
    for (const value of [-1, 0.5, 2 ** 53, Number.NaN]) assert.throws(() => encodeBsuint(value), RangeError);
  });

  it('any data decodes to itself as a view, and is refused cut short at any length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
        const writer = new ByteWriter(1);
        writer.bsdata(data);
        const encoded = writer.take();
        const { value, next } = decodeBsdata(encoded, 0);
        assert.deepEqual(Buffer.from(value), Buffer.from(data));
        assert.equal(value.buffer, encoded.buffer);
        assert.equal(next, encoded.length);
        refusesEveryTruncation(encoded, (cut) => decodeBsdata(cut, 0));
      }),
      { numRuns: 50 },
    );
  });
});
