import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { MemoryStore } from '../../core/store/memory.ts';
import { encodeGap, GAP_KIND, RECORD_FIXED_SIZE } from '../../core/store/records/datafile.ts';
import { DatafileIndex, encodeFooter, footerSize, MAX_INDEX_SIZE } from '../../core/store/records/datafile-index.ts';
import { readFooter, readTrailer } from '../../core/store/records/trailer.ts';
import { vtftp } from '../support/program.ts';
import { makeScratch } from '../support/scratch.ts';
import { oneFileOf, oneFileTree } from '../support/stores/one-file.ts';

// One-file Stores whose ends lie: what they say is checksummed, and true in form.

const DIGEST_SIZE = 32;
const FOOTER_SIZE = footerSize(DIGEST_SIZE);
const ENTRY_SIZE = DIGEST_SIZE + 16;

/** A one-file Store with its index apart. */
async function madeFile(): Promise<{ readonly before: Buffer; readonly entries: Buffer; readonly indexStart: number }> {
  const store = new MemoryStore();
  const data = await oneFileOf(store, await oneFileTree(store, 1), false);
  const footer = readFooter((offset, size) => data.subarray(offset, offset + size), data.length - FOOTER_SIZE, DIGEST_SIZE);
  assert.ok(footer !== undefined);
  const { indexStart, indexSize } = footer;
  const entries = data.subarray(indexStart + RECORD_FIXED_SIZE + DIGEST_SIZE, indexStart + indexSize);
  return { before: data.subarray(0, indexStart), entries: Buffer.from(entries), indexStart };
}

/** Its end, with other entries. */
function endOf(entries: Buffer, indexStart: number): Buffer {
  const index = encodeGap(GAP_KIND.index, DIGEST_SIZE, entries);
  const footer = { indexStart, indexSize: index.length, previous: 0, metadataEnd: indexStart, whenNs: 1n };
  return Buffer.concat([index, encodeFooter(footer, DIGEST_SIZE)]);
}

test('a Block that is said to have 4 GiB is not there, and no memory is taken for it', async (t) => {
  const scratch = makeScratch(t);
  const { before, entries, indexStart } = await madeFile();
  for (let at = 0; at < entries.length; at += ENTRY_SIZE)
    for (const field of [8, 12]) entries.writeUInt32LE(0xffff_fff0, at + DIGEST_SIZE + field);
  assert.equal(new DatafileIndex(DIGEST_SIZE, [entries]).find(entries.subarray(0, DIGEST_SIZE)), undefined);
  // The bytes are there, as a hole.
  const path = scratch.path('sizes.vtd');
  const fd = openSync(path, 'w');
  const end = endOf(entries, 8 * 2 ** 30);
  writeSync(fd, before, 0, before.length, 0);
  writeSync(fd, end, 0, end.length, 8 * 2 ** 30);
  closeSync(fd);
  assert.ok(indexStart < 2 ** 20);
  const listed = await vtftp([path, '-c', 'ls -lR'], { env: scratch.env });
  assert.equal(listed.status, 13, listed.stderr);
  assert.match(listed.stderr, /get Block sha3-256:[0-9a-f]+: not in Store/);
});

test('an index that claims two terabytes of a hole is read no further than its first record', async (t) => {
  const scratch = makeScratch(t);
  const { before, indexStart } = await madeFile();
  const size = 2 ** 41;
  const footer = { indexStart, indexSize: size - indexStart, previous: 0, metadataEnd: indexStart, whenNs: 1n };
  const end = encodeFooter(footer, DIGEST_SIZE);
  let asked = 0;
  const readAt = (offset: number, length: number): Buffer => {
    asked = Math.max(asked, length);
    if (offset === size) return end.subarray(0, length);
    return Buffer.alloc(Math.min(length, MAX_INDEX_SIZE));
  };
  assert.equal(readTrailer(readAt, size + FOOTER_SIZE, DIGEST_SIZE), undefined);
  assert.ok(asked <= FOOTER_SIZE, `${asked} bytes asked for at once`);
  const path = scratch.path('hole.vtd');
  writeFileSync(path, before);
  const fd = openSync(path, 'r+');
  ftruncateSync(fd, size);
  writeSync(fd, end, 0, end.length, size);
  closeSync(fd);
  const listed = await vtftp([path, '-c', 'ls -R'], { env: scratch.env });
  assert.equal(listed.status, 0, listed.stderr);
  assert.match(listed.stderr, /its index cannot be read, or is cut off; looking for what is there/);
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
