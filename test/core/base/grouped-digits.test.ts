import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { groupedDigits } from '../../../core/base/grouped-digits.ts';

describe('grouped digits', () => {
  it('are those of English for any whole number', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (count) => {
        assert.equal(groupedDigits(count), count.toLocaleString('en-US'));
      }),
    );
    for (const [count, text] of [
      [0, '0'],
      [999, '999'],
      [1000, '1,000'],
      [-1000, '-1,000'],
      [1_000_000, '1,000,000'],
    ] as const)
      assert.equal(groupedDigits(count), text);
  });
});
