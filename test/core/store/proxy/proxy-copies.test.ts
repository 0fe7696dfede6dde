import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { HashCode } from '../../../../core/block/hashcode.ts';
import { openStore } from '../../../../core/openers/open-store.ts';
import { capability } from '../../../../core/store/capability.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';
import { ProxyStore } from '../../../../core/store/proxy/proxy.ts';
import type { Store } from '../../../../core/store/store.ts';
import { makeRandom } from '../../../support/random.ts';
import { newStorePath, withDatadir } from '../../datadir/store-folder.ts';

/** Blocks in a new datadir, none equal. */
async function filled(path: string, count: number): Promise<HashCode[]> {
  const random = makeRandom(count);
  return await withDatadir(path, async (store) => {
    const hashcodes: HashCode[] = [];
    for (let i = 0; i < count; i++) hashcodes.push((await store.add(random.bytes(500))).hashcode);
    return hashcodes;
  });
}

async function open(specification: string): Promise<Store> {
  return await openStore(specification, { defaultStorePath: '/nowhere', cachePath: '/nowhere' });
}

function locate(store: Store, hashcodes: readonly HashCode[]): number {
  const found = capability(store, 'location')?.locate(hashcodes.map(({ digest }) => digest)) ?? [];
  return found.filter((location) => location !== undefined).length;
}

it('a Block that is located in the Store behind a cache is kept in the cache by the time that all is closed', async () => {
  const path = newStorePath({ inMemory: true });
  const hashcodes = await filled(path, 3000);
  const store = await open(`filecache:${path}-c,backend=datadir:${path}`);
  await store.get(hashcodes[0] as HashCode);
  assert.equal(locate(store, hashcodes), 3000);
  await store[Symbol.asyncDispose]();
  await using cache = await open(`filecache:${path}-c`);
  assert.deepEqual(
    (await cache.has(hashcodes)).filter((isThere) => !isThere),
    [],
  );
  assert.equal(locate(cache, hashcodes), 3000, 'and is located there from then on');
});

it('no more are located than can wait to be kept, and the others are fetched', async () => {
  const path = newStorePath({ inMemory: true });
  const hashcodes = await filled(path, 20_000);
  await using store = await open(`filecache:${path}-c,backend=datadir:${path}`);
  await store.get(hashcodes[0] as HashCode);
  const located = locate(store, hashcodes);
  assert.ok(located > 10_000 && located < 20_000, `${located}`);
  assert.equal((await store.get(hashcodes.at(-1) as HashCode))?.length, 500);
});

it('a cache that cannot keep what is located is told of once, and the Blocks are located all the same', async () => {
  const path = newStorePath({ inMemory: true });
  const hashcodes = await filled(path, 2000);
  const behind = await open(`datadir:${path}`);
  await behind.has(hashcodes);
  const full = new MemoryStore({ name: 'full', hashName: behind.hashName, maxBytes: 1 });
  const notices: string[] = [];
  const stores = { save: [], read: [full], save2: [], read2: [behind], copy2: [full] };
  const proxy = new ProxyStore(stores, { name: 'proxy:', maxSpoolBytes: 1, onNotice: (notice) => notices.push(notice), nowMs: () => 0 });
  assert.equal(locate(proxy, hashcodes), 2000);
  await proxy[Symbol.asyncDispose]();
  assert.equal(notices.length, 1, notices.join());
  assert.match(notices[0] ?? '', /Store "full" keeps no copies/);
});

it('a Block that is damaged behind the cache is never kept in a Store that keeps what it has', async () => {
  const path = newStorePath({ inMemory: true });
  const hashcodes = await filled(path, 100);
  const folder = join(path, 'data');
  const file = join(folder, readdirSync(folder).find((name) => name.endsWith('.vtd')) ?? '');
  const data = readFileSync(file);
  const at = data.length - 100;
  data[at] = (data[at] ?? 0) ^ 1;
  writeFileSync(file, data);
  await withDatadir(`${path}-c`, async (store) => await store.flush());
  const store = await open(`proxy:read=(datadir:${path}-c),read2=(datadir:${path}),copy2=(datadir:${path}-c)`);
  await store.get(hashcodes[0] as HashCode);
  locate(store, hashcodes);
  await store[Symbol.asyncDispose]();
  await withDatadir(`${path}-c`, async (kept) => {
    const [last] = await kept.has(hashcodes.slice(-1));
    assert.equal(last, false);
  });
});
