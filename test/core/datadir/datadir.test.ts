import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it, mock } from 'node:test';
import { VtError } from '../../../core/base/errors.ts';
import { CONTENT_HASH_NAMES } from '../../../core/block/hash.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { storeSuite } from '../../conformance/store-suite.ts';
import { makeRandom } from '../../support/random.ts';
import { newStorePath as newFolder, withDatadir } from './store-folder.ts';

const kinds = [
  ...CONTENT_HASH_NAMES.map((hashName) => ({ hashName, compression: 'none' as const })),
  { hashName: 'sha256', compression: 'zlib' } as const,
];
for (const { hashName, compression } of kinds) {
  let path = '';
  storeSuite({
    name: `datadir: with ${hashName}, compression ${compression}`,
    open() {
      path = newFolder();
      return openDatadir(path, { create: true, hashName, compression });
    },
    reopen: () => openDatadir(path),
    reopenReadOnly: () => openDatadir(path, { readOnly: true }),
  });
}

it('a later session goes on in the same file, and a full one is left for the next', async () => {
  const path = newFolder();
  for (let i = 0; i < 5; i++) await withDatadir(path, (store) => store.add(Buffer.from(`session ${i}`)));
  assert.equal(readdirSync(join(path, 'data')).length, 1);
  for (let i = 0; i < 5; i++) await withDatadir(path, (store) => store.add(Buffer.alloc(600, i)), { rollOverSize: 1000 });
  assert.equal(readdirSync(join(path, 'data')).length, 3);
  await withDatadir(path, async (store) => {
    for (let i = 0; i < 5; i++) {
      assert.ok(await store.get(hashcodeOf(store.hashName, Buffer.from(`session ${i}`))));
      assert.ok(await store.get(hashcodeOf(store.hashName, Buffer.alloc(600, i))));
    }
  });
});

it('two sessions at once write to a file each, and each finds what the other has flushed', async () => {
  const path = newFolder();
  await withDatadir(path, async (a) => {
    await withDatadir(path, async (b) => {
      const { hashcode } = await a.add(Buffer.from('of a'));
      await a.flush();
      assert.equal(Buffer.from((await b.get(hashcode)) ?? []).toString(), 'of a');
      assert.equal((await b.add(Buffer.from('of a'))).isNew, false);
      const other = await b.add(Buffer.from('of b'));
      await b.flush();
      assert.deepEqual(await a.has([other.hashcode]), [true]);
      assert.equal(readdirSync(join(path, 'data')).length, 2);
    });
  });
});

it('locate tells where the octets of a Block lie', async () => {
  await withDatadir(newFolder(), async (store) => {
    const data = Buffer.from('octets to be found');
    const { hashcode } = await store.add(data);
    const check = (): void => {
      const [found, missing] = store.locate([hashcode.digest, hashcode.digest.map((octet) => octet ^ 1)]);
      assert.ok(found !== undefined && missing === undefined);
      assert.equal(found.codec, 'none');
      assert.deepEqual(readFileSync(found.file).subarray(found.offset, found.offset + found.storedSize), data);
    };
    check();
    await store.flush();
    check();
  });
});

it('files of others in data/ are left alone', async () => {
  const path = newFolder();
  const { hashcode } = await withDatadir(path, (store) => store.add(Buffer.from('mine')));
  writeFileSync(join(path, 'data', ',old.vtd'), 'rubbish');
  writeFileSync(join(path, 'data', 'notes.txt'), 'rubbish');
  writeFileSync(join(path, 'data', 'empty.vtd'), '');
  const notices: string[] = [];
  await withDatadir(path, async (store) => assert.ok(await store.get(hashcode)), { onNotice: (notice) => notices.push(notice) });
  assert.deepEqual(notices, []);
});

it('a Store or data file of a later version is refused, with what to do about it', async () => {
  const path = newFolder();
  await withDatadir(path, (store) => store.add(Buffer.from('one')));
  const [name = ''] = readdirSync(join(path, 'data'));
  const file = join(path, 'data', name);
  const original = readFileSync(file);
  const { encodeDatafileHeader, decodeDatafileHeader } = await import('../../../core/store/records/datafile.ts');
  const start = decodeDatafileHeader(original);
  assert.ok(start.kind === 'header');
  assert.deepEqual(encodeDatafileHeader(start.header), original.subarray(0, 64));
  const newer = Buffer.from(original);
  newer[8] = 2;
  const { crc32 } = await import('node:zlib');
  newer.writeUInt32LE(crc32(newer.subarray(0, 60)), 60);
  writeFileSync(join(path, 'data', 'newer.vtd'), newer);
  const isRefusal = (error: unknown): boolean =>
    error instanceof VtError && error.code === 'EUNSUPPORTED' && error.remedy === 'use a later vtftp';
  await withDatadir(path, (store) => assert.rejects(store.get(hashcodeOf(store.hashName, Buffer.from('two'))), isRefusal));
  const text = readFileSync(join(path, 'vtftp-store'), 'utf8');
  writeFileSync(join(path, 'vtftp-store'), text.replace('format=2', 'format=99'));
  await assert.rejects(openDatadir(path), isRefusal);
});

it('where there is no Store it says so, and makes none', async () => {
  const path = newFolder();
  await assert.rejects(openDatadir(path), (error) => error instanceof VtError && error.code === 'EOPEN');
  assert.throws(() => readdirSync(path));
});

it('data that cannot be compressed is stored as it is, other data smaller', async () => {
  await withDatadir(
    newFolder(),
    async (store) => {
      await store.add(Buffer.alloc(50_000, 'text that repeats itself. '));
      const first = store.counts();
      assert.ok(first.storedBytes < 5000);
      await store.add(makeRandom(1).bytes(50_000));
      assert.equal(store.counts().storedBytes - first.storedBytes, 50_000 + 24 + 32);
    },
    { compression: 'zlib' },
  );
});

it('index updates are batched, and the degree of batching is reported', async () => {
  await withDatadir(
    newFolder(),
    async (store) => {
      assert.deepEqual(store.indexBatching(), { transactions: 0, blocks: 0, largest: 0, blocksPerTransaction: 0 });
      for (let i = 0; i < 100; i++) await store.add(Buffer.from(`block ${i}`));
      await store.flush();
      const batching = store.indexBatching();
      assert.equal(batching.blocks, 100);
      assert.ok(batching.transactions <= 3 && batching.largest >= 40, JSON.stringify(batching));
      assert.equal(batching.blocksPerTransaction, 100 / batching.transactions);
      await store.flush();
      assert.equal(store.indexBatching().transactions, batching.transactions);
    },
    { ticker: { maxBlocks: 50 } },
  );
});

it('a ticker brings waiting Blocks into the index when nothing else does', async () => {
  const path = newFolder();
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const store = await openDatadir(path, { create: true, ticker: { intervalMs: 1000 } });
    await store.add(Buffer.from('idle'));
    mock.timers.tick(999);
    assert.equal(store.indexBatching().transactions, 0);
    mock.timers.tick(1);
    mock.timers.reset();
    // A flush waits for the batch that the tick has begun, and finds nothing left to do.
    await store.flush();
    assert.equal(store.indexBatching().transactions, 1);
    await store[Symbol.asyncDispose]();
  } finally {
    mock.timers.reset();
  }
});
