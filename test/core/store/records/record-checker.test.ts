import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CorruptBlockError, ParseError } from '../../../../core/base/errors.ts';
import type { HashName } from '../../../../core/block/hash.ts';
import { hashByName } from '../../../../core/block/hash.ts';
import type { RecordBatch } from '../../../../core/store/records/record-batch.ts';
import { packRecords } from '../../../../core/store/records/record-batch.ts';
import { RecordChecker } from '../../../../core/store/records/record-checker.ts';

const MIB = 1024 * 1024;

/** Some MiB of records, none like another. */
function batchOf(hashName: HashName, seed: number): RecordBatch {
  const hash = hashByName(hashName);
  const blocks = Array.from({ length: 64 }, (_, i) => {
    const data = Buffer.alloc(16_000 + 7 * i, `${seed} ${i} `);
    return { digest: hash.digest(data), data };
  });
  return packRecords(blocks, hash, seed % 2 === 0 ? 'none' : 'zlib');
}

for (const hashName of ['sha3-256', 'sha256', 'blake3'] as const) {
  it(`records of ${hashName} are verified here and in threads alike, and damage is named in either`, async () => {
    await using checker = new RecordChecker(hashByName(hashName), 2);
    const good = [0, 2, 4, 6].map((seed) => batchOf(hashName, seed));
    // Far beyond what is done before a thread is started.
    for (let round = 0; round < 6; round++) {
      const found = await Promise.all(good.map(async ({ image }) => await checker.check(Buffer.from(image), 100, 'here')));
      for (const [i, batch] of found.entries()) {
        assert.deepEqual(Buffer.from(batch.digests), Buffer.from((good[i] as RecordBatch).digests));
        assert.deepEqual([batch.count, batch.sizes, batch.codecs], [64, good[i]?.sizes, good[i]?.codecs]);
      }
    }
    assert.ok(good.reduce((sum, { image }) => sum + image.length, 0) * 6 > 16 * MIB);
    const compressed = batchOf(hashName, 1);
    assert.equal((await checker.check(Buffer.from(compressed.image), 100, 'here')).count, 64);
    const bad = Buffer.from((good[0] as RecordBatch).image);
    bad[bad.length - 5] = bad.readUInt8(bad.length - 5) ^ 1;
    const results = await Promise.allSettled([
      checker.check(bad, 100, 'here'),
      checker.check(Buffer.from((good[1] as RecordBatch).image), 100, 'here'),
    ]);
    assert.ok(
      results[0]?.status === 'rejected' && results[0].reason instanceof CorruptBlockError && /from "here"/.test(results[0].reason.message),
    );
    assert.equal(results[1]?.status, 'fulfilled');
    await assert.rejects(checker.check(Buffer.from((good[0] as RecordBatch).image), 63, 'here'), ParseError);
  });
}
