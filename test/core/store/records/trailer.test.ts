import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFooter, footerSize } from '../../../../core/store/records/datafile-index.ts';
import { readTrailer } from '../../../../core/store/records/trailer.ts';

const DIGEST_SIZE = 32;
const FOOTER_SIZE = footerSize(DIGEST_SIZE);

test('an index that claims two terabytes of a hole is read no further than its first record', () => {
  const indexStart = 1000;
  const size = 2 ** 41;
  const end = encodeFooter({ indexStart, indexSize: size - indexStart, previous: 0, metadataEnd: indexStart, whenNs: 1n }, DIGEST_SIZE);
  let asked = 0;
  const readAt = (offset: number, length: number): Buffer => {
    asked = Math.max(asked, length);
    return offset === size ? end.subarray(0, length) : Buffer.alloc(Math.min(length, 1024));
  };
  assert.equal(readTrailer(readAt, size + FOOTER_SIZE, DIGEST_SIZE), undefined);
  assert.ok(asked <= FOOTER_SIZE, `${asked} bytes asked for at once`);
});

test('footers of 90,000 states are read in their order; a million are not', () => {
  const count = 90_000;
  const start = 1000;
  const footers = Buffer.alloc(count * FOOTER_SIZE);
  for (let i = 0; i < count; i++) {
    const previous = i === 0 ? 0 : start + (i - 1) * FOOTER_SIZE;
    encodeFooter({ indexStart: start + i * FOOTER_SIZE, indexSize: 0, previous, metadataEnd: 0, whenNs: BigInt(i) }, DIGEST_SIZE).copy(
      footers,
      i * FOOTER_SIZE,
    );
  }
  const readAt = (offset: number, size: number): Buffer => footers.subarray(offset - start, offset - start + size);
  const trailer = readTrailer(readAt, start + footers.length, DIGEST_SIZE);
  assert.equal(trailer?.states.length, count);
  assert.deepEqual([trailer?.states[0]?.whenNs, trailer?.states.at(-1)?.whenNs], [0n, BigInt(count - 1)]);
  // One that always names another before it.
  const size = 2 ** 40;
  let read = 0;
  const endless = (offset: number): Buffer => {
    read++;
    return encodeFooter({ indexStart: offset, indexSize: 0, previous: offset - FOOTER_SIZE, metadataEnd: 0, whenNs: 0n }, DIGEST_SIZE);
  };
  assert.equal(readTrailer(endless, size, DIGEST_SIZE), undefined);
  assert.ok(read < 200_000, `${read} footers were read`);
});
