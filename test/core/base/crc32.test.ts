import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 as plainCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { crc32 } from '../../../core/base/crc32.ts';

test('a CRC-32 is that of zlib at every length, in shared memory too', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(5000));
  for (let i = 0; i < shared.length; i++) shared[i] = Math.imul(i, 2654435761) >>> 24;
  for (const length of [0, 1, 31, 1023, 1024, 1025, 4999]) {
    const view = shared.subarray(1, 1 + length);
    assert.equal(crc32(view), plainCrc32(view), `${length} octets`);
  }
  fc.assert(fc.property(fc.uint8Array({ minLength: 1024, maxLength: 3000 }), (data) => crc32(data) === plainCrc32(data)));
});

test('the CRC-32 of "123456789" is the one of the catalogue of CRC algorithms', () => {
  assert.equal(crc32(Buffer.from('123456789')), 0xcbf43926);
});

test('a CRC-32 goes on from that of what was before', () => {
  const data = Uint8Array.from({ length: 10_000 }, (_, i) => Math.imul(i, 2654435761) >>> 24);
  for (const cut of [0, 1, 700, 5000, 9999, 10_000])
    assert.equal(crc32(data.subarray(cut), crc32(data.subarray(0, cut))), plainCrc32(data), `cut at ${cut}`);
});
