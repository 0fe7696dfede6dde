import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { VtError } from '../../../../core/base/errors.ts';
import type { HashCode } from '../../../../core/block/hashcode.ts';
import { hashcodeOf } from '../../../../core/block/hashcode.ts';
import { Filecache } from '../../../../core/datadir/filecache/filecache.ts';
import { openStore } from '../../../../core/openers/open-store.ts';
import { readTrailer } from '../../../../core/store/records/trailer.ts';
import { storeSuite } from '../../../conformance/store-suite.ts';
import { makeRandom } from '../../../support/random.ts';
import { newStorePath, withDatadir } from '../store-folder.ts';

let nowMs = 0;

function open(
  folder: string,
  options: { readonly maxBytes?: number; readonly files?: number; readonly readOnly?: boolean } = {},
): Filecache {
  return new Filecache({
    folder,
    name: `filecache:${folder}`,
    hashName: 'sha3-256',
    maxBytes: 100_000,
    files: 4,
    readOnly: false,
    monotonicMs: () => nowMs,
    ...options,
  });
}

function letTimePass(): void {
  nowMs += 10_000;
}

{
  let path = '';
  storeSuite({
    name: 'filecache:',
    open: () => {
      path = newStorePath({ inMemory: true });
      return Promise.resolve(open(path, { maxBytes: 1e9 }));
    },
    reopen: () => Promise.resolve(open(path, { maxBytes: 1e9 })),
    reopenReadOnly: () => Promise.resolve(open(path, { maxBytes: 1e9, readOnly: true })),
  });
}

function sizeOf(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

it('it keeps to its size: the oldest file goes, the newest Blocks stay, and what is gone is a miss', async () => {
  const path = newStorePath({ inMemory: true });
  await using cache = open(path);
  const random = makeRandom(1);
  const blocks = Array.from({ length: 500 }, () => random.bytes(2000));
  for (const data of blocks) {
    await cache.add(data);
    assert.ok(sizeOf(path) <= 100_000, `${sizeOf(path)}`);
  }
  const held = await cache.has(blocks.map((data) => hashcodeOf('sha3-256', data)));
  const count = held.filter(Boolean).length;
  assert.ok(count >= 30 && count <= 50, `${count}`);
  assert.deepEqual(held, [...held].sort(), 'those kept are the last that were added');
  assert.equal(await cache.get(hashcodeOf('sha3-256', blocks[0] ?? Buffer.alloc(0))), undefined);
  assert.equal((await cache.get(hashcodeOf('sha3-256', blocks.at(-1) ?? Buffer.alloc(0))))?.length, 2000);
});

it('two processes use one folder: each finds what the other added, and drops what is old of either', async () => {
  const path = newStorePath({ inMemory: true });
  await using one = open(path);
  await using two = open(path);
  const fromOne = (await one.add(Buffer.from('from one'))).hashcode;
  assert.ok(await two.get(fromOne));
  const fromTwo = (await two.add(Buffer.from('from two'))).hashcode;
  letTimePass();
  assert.ok(await one.get(fromTwo));
  // A file that another writes to is not dropped; those it has done with are.
  const random = makeRandom(2);
  for (let i = 0; i < 200; i++) await two.add(random.bytes(2000));
  assert.ok(await one.get(fromOne), 'its own file is held');
  for (let i = 0; i < 200; i++) await one.add(random.bytes(2000));
  assert.ok(sizeOf(path) <= 2 * 100_000, `${sizeOf(path)}`);
  assert.ok(await two.get(fromOne), 'whoever has read in a file goes on with it');
  await using three = open(path);
  assert.equal(await three.get(fromOne), undefined, 'for others it is gone: a miss and no error');
});

it('readers inside a file that is dropped go on with it, or miss; never wrong bytes', async () => {
  const path = newStorePath({ inMemory: true });
  await using writer = open(path, { maxBytes: 50_000 });
  await using reader = open(path, { maxBytes: 50_000 });
  const random = makeRandom(3);
  const added: Uint8Array[] = [];
  let hits = 0;
  for (let round = 0; round < 400; round++) {
    const data = random.bytes(1000);
    added.push(data);
    await writer.add(data);
    if (round % 7 === 0) letTimePass();
    for (let i = 0; i < 3; i++) {
      const wanted = added[Math.max(0, added.length - 1 - random.below(60))] ?? data;
      const found = await reader.get(hashcodeOf('sha3-256', wanted));
      if (found !== undefined) hits++;
      assert.ok(found === undefined || Buffer.compare(found, wanted) === 0);
    }
  }
  assert.ok(hits > 300, `${hits}`);
});

it('a restart finds all that is whole, whatever the last process left behind', async () => {
  const path = newStorePath({ inMemory: true });
  const cache = open(path);
  const { hashcode } = await cache.add(Buffer.from('whole'));
  await cache.add(Buffer.from('torn'));
  await cache[Symbol.asyncDispose]();
  const [name = ''] = readdirSync(path);
  truncateSync(join(path, name), statSync(join(path, name)).size - 1);
  writeFileSync(join(path, 'being-made.vtd'), 'short');
  writeFileSync(join(path, 'not-ours.vtd'), Buffer.alloc(5000, 7));
  await using again = open(path);
  assert.ok(await again.get(hashcode));
  assert.deepEqual(await again.has([hashcodeOf('sha3-256', Buffer.from('torn'))]), [false]);
  assert.equal((await again.add(Buffer.from('torn'))).isNew, true);
});

it('a Block that is damaged in the cache is an error once, and can be stored again', async () => {
  const path = newStorePath({ inMemory: true });
  await using cache = open(path);
  const { hashcode } = await cache.add(Buffer.from('good bytes'));
  const file = join(path, readdirSync(path)[0] ?? '');
  const data = readFileSync(file);
  const at = data.indexOf('good bytes');
  data[at] = 0;
  writeFileSync(file, data);
  await assert.rejects(
    cache.get(hashcode),
    (error) => error instanceof VtError && error.code === 'ECORRUPT' && error.message.includes(file),
  );
  assert.equal((await cache.add(Buffer.from('good bytes'))).isNew, true);
  assert.ok(await cache.get(hashcode));
});

it('it never removes a file that is not a cache file, though it is pointed at the data of a Store', async () => {
  const path = newStorePath({ inMemory: true });
  const hashcode = await withDatadir(path, async (store) => (await store.add(Buffer.alloc(30_000, 1))).hashcode);
  await using cache = open(join(path, 'data'), { maxBytes: 20_000 });
  const random = makeRandom(5);
  for (let i = 0; i < 50; i++) await cache.add(random.bytes(2000));
  await withDatadir(path, async (store) => assert.ok(await store.get(hashcode)));
});

it('a Block larger than the cache is refused with a remedy, and one of a growing file elsewhere is found', async () => {
  const path = newStorePath({ inMemory: true });
  await using cache = open(path, { maxBytes: 5000 });
  await assert.rejects(
    cache.add(Buffer.alloc(6000)),
    (error) => error instanceof VtError && /maxsize/.test(error.message) && /larger/.test(error.remedy ?? ''),
  );
  const other = open(newStorePath({ inMemory: true }));
  await other.add(Buffer.from('x'));
  await other[Symbol.asyncDispose]();
});

it('it is opened by its specification, and one of another hash function is refused', async () => {
  const path = newStorePath({ inMemory: true });
  const environment = { defaultStorePath: '/nowhere', cachePath: '/nowhere' };
  const first = await openStore(`filecache:${path},maxsize=1M,hash=blake3`, environment);
  assert.ok(!existsSync(path), 'nothing is made before something is kept');
  await first.add(Buffer.from('x'));
  await first[Symbol.asyncDispose]();
  const again = await openStore(`filecache:${path}`, environment);
  assert.equal(again.hashName, 'blake3');
  await again[Symbol.asyncDispose]();
  await assert.rejects(
    openStore(`filecache:${path},hash=sha1`, environment),
    (error) => error instanceof VtError && error.code === 'EOPEN' && /leave out hash=sha1/.test(error.remedy ?? ''),
  );
  appendFileSync(join(path, '..', 'file'), 'x');
  await assert.rejects(openStore(`filecache:${path}/../file`, environment), (error) => error instanceof VtError && error.code === 'EOPEN');
});

/** A cache of 2,000 Blocks in several files, closed. */
async function filled(path: string): Promise<HashCode[]> {
  await using cache = open(path, { maxBytes: 4_000_000 });
  const random = makeRandom(7);
  const hashcodes: HashCode[] = [];
  for (let i = 0; i < 2000; i++) hashcodes.push((await cache.add(random.bytes(1000))).hashcode);
  return hashcodes;
}

it('files end in an index, by which another process finds everything, or in a damaged one, and finds it by a walk', async () => {
  const path = newStorePath({ inMemory: true });
  const hashcodes = await filled(path);
  const names = readdirSync(path).filter((name) => statSync(join(path, name)).size > 500_000);
  assert.ok(names.length >= 2, `${names.length}`);
  for (const name of names) {
    const data = readFileSync(join(path, name));
    assert.notEqual(
      readTrailer((offset, size) => data.subarray(offset, offset + size), data.length, 32),
      undefined,
      name,
    );
  }
  for (const damages of [false, true]) {
    if (damages)
      for (const name of names) {
        const data = readFileSync(join(path, name));
        data[data.length - 60] = (data[data.length - 60] ?? 0) ^ 1;
        writeFileSync(join(path, name), data);
      }
    await using again = open(path, { maxBytes: 4_000_000 });
    for (const hashcode of hashcodes) assert.equal((await again.get(hashcode))?.length, 1000);
    const listed: HashCode[] = [];
    for await (const hashcode of again.hashcodes()) listed.push(hashcode);
    assert.equal(listed.length, 2000);
  }
});

it('a Block that is damaged in a file with an index is an error once, and can be stored again', async () => {
  const path = newStorePath({ inMemory: true });
  const [hashcode] = await filled(path);
  assert.ok(hashcode !== undefined);
  const { file, offset } = await (async () => {
    await using cache = open(path, { maxBytes: 4_000_000 });
    await cache.has([hashcode]);
    const [location] = cache.locate([hashcode.digest]);
    assert.ok(location !== undefined);
    return location;
  })();
  const data = readFileSync(file);
  const good = Buffer.from(data.subarray(offset, offset + 1000));
  data[offset] = (data[offset] ?? 0) ^ 1;
  writeFileSync(file, data);
  await using cache = open(path, { maxBytes: 4_000_000 });
  await assert.rejects(cache.get(hashcode), (error) => error instanceof VtError && error.code === 'ECORRUPT');
  assert.equal(await cache.get(hashcode), undefined);
  assert.equal((await cache.add(good)).isNew, true);
  assert.deepEqual(Buffer.from((await cache.get(hashcode)) ?? []), good);
});

it('a batch larger than a file of the cache is spread over several, and equal Blocks of it are stored once', async () => {
  const path = newStorePath({ inMemory: true });
  await using cache = open(path, { maxBytes: 400_000, files: 8 });
  const random = makeRandom(9);
  const blocks = Array.from({ length: 200 }, () => random.bytes(1000));
  const digested = [...blocks, ...blocks].map((data) => ({ data, digest: hashcodeOf('sha3-256', data).digest }));
  const isNew = await cache.addBatch(digested);
  assert.deepEqual(isNew, [...blocks.map(() => true), ...blocks.map(() => false)]);
  assert.ok(readdirSync(path).length >= 4);
  for (const data of blocks) assert.deepEqual(Buffer.from((await cache.get(hashcodeOf('sha3-256', data))) ?? []), Buffer.from(data));
});
