import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseRanges } from '../../../core/http/byte-ranges.ts';

/** RFC 9110, 14.1.2, with its examples of a representation of 10,000 octets. */
const CASES: readonly (readonly [header: string | undefined, size: number, expected: string])[] = [
  [undefined, 10_000, 'whole'],
  ['bytes=0-499', 10_000, '0-500'],
  ['bytes=500-999', 10_000, '500-1000'],
  ['bytes=-500', 10_000, '9500-10000'],
  ['bytes=9500-', 10_000, '9500-10000'],
  ['bytes=0-0,-1', 10_000, '0-1 9999-10000'],
  ['bytes=500-600,601-999', 10_000, '500-1000'],
  ['bytes=500-700,601-999', 10_000, '500-1000'],
  ['bytes=9000-9999,0-9', 10_000, '9000-10000 0-10'],
  ['bytes= 0-1 , , 4-5', 10_000, '0-2 4-6'],
  ['BYTES=0-1', 10_000, '0-2'],
  ['bytes=0-99999999', 10_000, '0-10000'],
  ['bytes=-99999', 10_000, '0-10000'],
  ['bytes=10000-', 10_000, 'unsatisfiable'],
  ['bytes=-0', 10_000, 'unsatisfiable'],
  ['bytes=0-', 0, 'whole'],
  ['bytes=10000-,0-1', 10_000, '0-2'],
  ['bytes=5-4', 10_000, 'whole'],
  ['bytes=a-b', 10_000, 'whole'],
  ['bytes=-', 10_000, 'whole'],
  ['bytes=1', 10_000, 'whole'],
  ['items=0-5', 10_000, 'whole'],
];

for (const [header, size, expected] of CASES) {
  test(`of ${size} octets "${header ?? ''}" asks for ${expected}`, () => {
    const found = parseRanges(header, size);
    assert.equal(typeof found === 'string' ? found : found.map(({ start, end }) => `${start}-${end}`).join(' '), expected);
  });
}

test('a thousand ranges that overlap are one; a thousand apart are refused', () => {
  const overlapping = Array.from({ length: 1000 }, (_, i) => `${i}-${i + 5}`).join(',');
  assert.deepEqual(parseRanges(`bytes=${overlapping}`, 10_000), [{ start: 0, end: 1005 }]);
  const apart = Array.from({ length: 1000 }, (_, i) => `${i * 3}-${i * 3}`).join(',');
  assert.equal(parseRanges(`bytes=${apart}`, 10_000), 'unsatisfiable');
});

test('whatever is asked for lies in the representation, and no octet is sent twice', () => {
  fc.assert(
    fc.property(fc.nat(200), fc.array(fc.tuple(fc.nat(250), fc.nat(250)), { maxLength: 20 }), (size, pairs) => {
      const asked = pairs.map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));
      const found = parseRanges(`bytes=${asked.map(({ first, last }) => `${first}-${last}`).join(',')}`, size);
      const wanted = new Set(
        asked.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i)).filter((i) => i < size),
      );
      if (found === 'unsatisfiable') return wanted.size === 0;
      if (found === 'whole') return size === 0;
      const sent = found.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i));
      return sent.length === wanted.size && sent.every((i) => wanted.has(i));
    }),
  );
});
