import assert from 'node:assert/strict';
import { truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { it } from 'node:test';
import { MemoryStore } from '../../core/store/memory.ts';
import type { RecordPlace } from '../../core/store/records/datafile-index.ts';
import { encodeFooter, footerSize, PlaceList } from '../../core/store/records/datafile-index.ts';
import { readTrailer } from '../../core/store/records/trailer.ts';
import { faultOf, tryBomb } from '../support/bombs/try-bomb.ts';
import { makeScratch } from '../support/scratch.ts';
import { oneFileOf, oneFileTree } from '../support/stores/one-file.ts';

// A one-file Store from a stranger, whose index and footer say what is not so.

const DIGEST_SIZE = 32;
const HIGHEST = 2 ** 32 - 1;
const LIMITS = { afterMs: 10_000, mb: 400 };
const INTERRUPT_MS = 5000;
const COMMANDS = ['find', 'cat c/large', 'get . OUT', 'log', 'fsck'];

async function honest(): Promise<Buffer> {
  const store = new MemoryStore();
  return await oneFileOf(store, await oneFileTree(store, 1), true);
}

function trailerOf(data: Buffer) {
  const trailer = readTrailer((offset, size) => data.subarray(offset, offset + size), data.length, DIGEST_SIZE);
  assert.ok(trailer !== undefined);
  return trailer;
}

/** The file with another place for each Block. */
function withPlaces(data: Buffer, change: (place: RecordPlace, at: number) => RecordPlace): Buffer {
  const { footer, index } = trailerOf(data);
  const places = new PlaceList(DIGEST_SIZE);
  for (const [i, [digest, place]] of [...index.entries()].entries()) places.add(digest, change(place, i));
  const records = Buffer.concat([...places.records()]);
  const end = encodeFooter({ ...footer, indexSize: records.length }, DIGEST_SIZE);
  return Buffer.concat([data.subarray(0, footer.indexStart), records, end]);
}

/** The file with as many more footers, each of which says that the one before it ends a state. */
function withFooters(data: Buffer, count: number): Buffer {
  const { footer } = trailerOf(data);
  const size = footerSize(DIGEST_SIZE);
  const footers = Array.from({ length: count }, (_, i) => {
    const at = data.length + i * size;
    return encodeFooter({ ...footer, indexStart: at, indexSize: 0, previous: at - size }, DIGEST_SIZE);
  });
  return Buffer.concat([data, ...footers]);
}

const CASES: readonly (readonly [name: string, lie: (data: Buffer) => Buffer])[] = [
  ['Blocks of 4 GiB, compressed by zlib', (data) => withPlaces(data, (place) => ({ ...place, codec: 'zlib', size: HIGHEST }))],
  ['Blocks of 4 GiB, compressed by Zstandard', (data) => withPlaces(data, (place) => ({ ...place, codec: 'zstd', size: HIGHEST }))],
  ['Blocks of 4 GiB in frames', (data) => withPlaces(data, (place) => ({ ...place, codec: 'part', size: HIGHEST }))],
  ['4 GiB stored', (data) => withPlaces(data, (place) => ({ ...place, codec: 'none', storedSize: HIGHEST, size: HIGHEST }))],
  ['places outside the file', (data) => withPlaces(data, (place) => ({ ...place, offset: 2 ** 48 - 1 }))],
  ['places that are one', (data) => withPlaces(data, (place) => ({ ...place, offset: 200 }))],
  ['100,000 footers', (data) => withFooters(data, 100_000)],
];

for (const [name, lie] of CASES)
  it(`a one-file Store with ${name} costs little memory and time, and is reported as damage`, async (t) => {
    const scratch = makeScratch(t);
    const path = scratch.path('file.vtd');
    writeFileSync(path, lie(await honest()));
    const faults: string[] = [];
    for (const [i, command] of COMMANDS.entries()) {
      const line = command.replace('OUT', scratch.path(`out-${i}`));
      const blast = await tryBomb(`file:${path}`, line, INTERRUPT_MS, scratch.env);
      assert.notEqual(blast.status, 10, blast.stderr);
      const fault = faultOf(blast, LIMITS);
      if (fault !== undefined) faults.push(`${command}: ${fault}`);
      if (blast.stderr === '') faults.push(`${command}: says nothing`);
    }
    assert.deepEqual(faults, []);
  });

it('an index of 8 TB in a file of holes is not read into memory', async (t) => {
  const scratch = makeScratch(t);
  const path = scratch.path('file.vtd');
  const data = await honest();
  const { footer } = trailerOf(data);
  const end = 8e12;
  writeFileSync(path, data);
  truncateSync(path, end);
  await using file = await open(path, 'r+');
  const indexStart = data.length;
  await file.write(encodeFooter({ ...footer, indexStart, indexSize: end - indexStart }, DIGEST_SIZE), 0, footerSize(DIGEST_SIZE), end);
  const blast = await tryBomb(`file:${path}`, 'find', INTERRUPT_MS, scratch.env);
  assert.notEqual(blast.status, 10, blast.stderr);
  assert.equal(faultOf(blast, LIMITS), undefined);
});
