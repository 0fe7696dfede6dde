import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { hashByName } from '../../../../core/block/hash.ts';
import { hashcodeOf } from '../../../../core/block/hashcode.ts';
import type { ScannedRecord } from '../../../../core/datadir/datafiles/datafile-scan.ts';
import { scanDatafile } from '../../../../core/datadir/datafiles/datafile-scan.ts';
import { readAtOf } from '../../../../core/datadir/datafiles/read-at.ts';
import { DATAFILE_HEADER_SIZE, decodeDatafileHeader, encodeDatafileHeader } from '../../../../core/store/records/datafile.ts';
import { frameFinder } from '../../../../core/store/records/frame.ts';
import { decodeStored } from '../../../../core/store/records/stored-bytes.ts';
import { PROJECT_ROOT } from '../../../support/project.ts';

it('a .vtd of version 1, as it was first written, keeps its header and gives its four Blocks', async (t) => {
  const path = join(PROJECT_ROOT, 'test/golden/vtftp/four-blocks.vtd');
  const data = readFileSync(path);
  const start = decodeDatafileHeader(data.subarray(0, DATAFILE_HEADER_SIZE));
  assert.equal(start.kind, 'header');
  if (start.kind !== 'header') return;
  assert.deepEqual(start.header, {
    hashName: 'sha3-256',
    storeId: '00112233-4455-6677-8899-aabbccddeeff',
    fileId: '01234567-89ab-cdef-0123-456789abcdef',
    createdNs: 1_795_364_221_123_456_789n,
  });
  assert.deepEqual(encodeDatafileHeader(start.header), data.subarray(0, DATAFILE_HEADER_SIZE));

  const fd = openSync(path, 'r');
  t.after(() => closeSync(fd));
  const records: ScannedRecord[] = [];
  const { damage, indexedTo } = await scanDatafile(fd, {
    start: DATAFILE_HEADER_SIZE,
    end: data.length,
    hash: hashByName('sha3-256'),
    onRecord: (record) => records.push(record),
  });
  assert.deepEqual(damage, []);
  assert.equal(indexedTo, data.length);
  const blocks = [
    Buffer.alloc(0),
    Buffer.from('hello, world\n'),
    Buffer.from('compressible '.repeat(100)),
    Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
  ];
  assert.deepEqual(
    records.map(({ codec }) => codec),
    ['none', 'none', 'zlib', 'none'],
  );
  for (const [i, { codec, offset, storedSize, size, digest }] of records.entries()) {
    const block = decodeStored(data.subarray(offset, offset + storedSize), codec, size);
    assert.deepEqual(block, blocks[i]);
    assert.deepEqual(Buffer.from(digest), Buffer.from(hashcodeOf('sha3-256', blocks[i] ?? Buffer.alloc(0)).digest));
  }
});

it('a .vtd with frames, made by another program, gives its Blocks', async (t) => {
  const path = join(PROJECT_ROOT, 'test/golden/vtftp/frames.vtd');
  const { size } = statSync(path);
  const fd = openSync(path, 'r');
  t.after(() => closeSync(fd));
  const read = readAtOf(fd);
  for (const distrust of [false, true]) {
    const records: ScannedRecord[] = [];
    const hash = hashByName('sha3-256');
    const { damage } = await scanDatafile(fd, {
      start: DATAFILE_HEADER_SIZE,
      end: size,
      hash,
      distrust,
      onRecord: (record) => records.push(record),
    });
    assert.deepEqual(damage, []);
    assert.deepEqual(
      records.map(({ codec }) => codec),
      ['part', 'part', 'zstd', 'none'],
    );
    const blocks = records.map((record) =>
      decodeStored(read(record.offset, record.storedSize), record.codec, record.size, frameFinder(read, record.offset))?.toString(),
    );
    assert.deepEqual(blocks, [
      'The quick brown fox jumps. '.repeat(20),
      'The lazy dog sleeps all day. '.repeat(30),
      'alone, alone, all, all alone. '.repeat(40),
      'hello, world\n',
    ]);
  }
});
