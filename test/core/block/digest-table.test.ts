import assert from 'node:assert/strict';
import { it } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { DigestTable } from '../../../core/block/digest-table.ts';
import { unflip } from '../../../core/maintain/flip.ts';
import { formatScrubbed, parseScrubbed } from '../../../core/maintain/scrub-record.ts';
import { makeRandom } from '../../support/random.ts';

it('a table of digests has what was put, with its number, and nothing else, far beyond its first size', () => {
  const random = makeRandom(66);
  const table = new DigestTable(32);
  const digests = Array.from({ length: 100_000 }, () => random.bytes(32));
  for (const [i, digest] of digests.entries()) assert.ok(table.set(digest, 1 + (i % 200)));
  for (const [i, digest] of digests.entries()) assert.equal(table.get(digest), 1 + (i % 200));
  assert.equal(table.count, digests.length);
  assert.equal(table.set(digests[7] ?? Buffer.alloc(32), 250), false);
  assert.equal(table.get(digests[7] ?? Buffer.alloc(32)), 250);
  for (let i = 0; i < 1000; i++) assert.equal(table.has(random.bytes(32)), false);
  assert.ok(table.memory / table.count < 60, `${table.memory / table.count} octets a digest`);
});

it('one flipped bit anywhere is turned back by the CRC, and nothing else is', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 400 }), fc.nat(), (octets, at) => {
      const data = Buffer.from(octets);
      const wanted = crc32(data);
      const flipped = Buffer.from(data);
      const bit = at % (data.length * 8);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.ok(unflip(flipped, wanted));
      assert.deepEqual(flipped, data);
    }),
  );
  const other = Buffer.from('quite another text, of which much more than one bit differs');
  assert.equal(unflip(other, crc32('a text')), false);
});

it('the record of what was scrubbed reads back, and a damaged one says nothing', () => {
  const parts = [
    { file: 'a b.vtd', start: 0, end: 100, when: 1_795_364_282 },
    { file: 'c.vtd', start: 64, end: 2 ** 40, when: 1 },
  ];
  const text = formatScrubbed(parts);
  assert.deepEqual(parseScrubbed(text), parts);
  for (let i = 0; i < text.length; i++) {
    assert.deepEqual(parseScrubbed(text.slice(0, i)), []);
    assert.deepEqual(parseScrubbed(`${text.slice(0, i)}${text[i] === '7' ? '8' : '7'}${text.slice(i + 1)}`), [], `character ${i}`);
  }
});
