import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CorruptBlockError, ParseError } from '../../../../core/base/errors.ts';
import { hashByName } from '../../../../core/block/hash.ts';
import { checkRecords, readRecords } from '../../../../core/store/records/check-records.ts';
import type { RecordBatch } from '../../../../core/store/records/record-batch.ts';
import { packRecords } from '../../../../core/store/records/record-batch.ts';
import type { StoredCompression } from '../../../../core/store/records/stored-bytes.ts';

const hash = hashByName('sha3-256');

function batchOf(compression: StoredCompression): RecordBatch {
  const blocks = Array.from({ length: 20 }, (_, i) => {
    const data = Buffer.from(`block ${i} `.repeat(1 + 40 * i));
    return { digest: hash.digest(data), data };
  });
  return packRecords(blocks, hash, compression);
}

function flipped(batch: RecordBatch, at: number): RecordBatch {
  const image = Buffer.from(batch.image);
  image[at] = image.readUInt8(at) ^ 0x10;
  return { ...batch, image };
}

for (const compression of ['none', 'zlib'] as const) {
  it(`records of compression ${compression} are read out of their image with all their columns`, () => {
    const batch = batchOf(compression);
    const { count, digests, sizes, storedSizes, codecs } = readRecords(Buffer.from(batch.image), hash, 20);
    assert.deepEqual(
      { count, sizes, storedSizes, codecs },
      { count: 20, sizes: batch.sizes, storedSizes: batch.storedSizes, codecs: batch.codecs },
    );
    assert.deepEqual(Buffer.from(digests), Buffer.from(batch.digests));
    checkRecords(batch, hash, 'here');
  });

  it(`a flipped bit anywhere in records of compression ${compression} is found`, () => {
    const batch = batchOf(compression);
    for (let at = 0; at < batch.image.length; at += 7)
      assert.throws(
        () => checkRecords(flipped(batch, at), hash, 'here'),
        (error) => error instanceof CorruptBlockError || error instanceof ParseError,
        `octet ${at}`,
      );
  });
}

it('records whose checks hold and whose bytes have another hash are refused', () => {
  const data = Buffer.from('right');
  const batch = packRecords([{ digest: hash.digest(Buffer.from('other')), data }], hash, 'none');
  assert.throws(() => checkRecords(batch, hash, 'here'), /another hash/);
});

it('an image that is cut short, has octets behind it, or holds too many records is refused', () => {
  const { image } = batchOf('none');
  assert.throws(() => readRecords(Buffer.from(image.subarray(0, -1)), hash, 20), ParseError);
  assert.throws(() => readRecords(Buffer.concat([image, Buffer.from('x')]), hash, 20), ParseError);
  assert.throws(() => readRecords(Buffer.from(image), hash, 19), /more than 19/);
  assert.equal(readRecords(Buffer.alloc(0), hash, 1).count, 0);
});
