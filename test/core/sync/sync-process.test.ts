import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { CorruptBlockError, VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { PendingBlocks } from '../../../core/block/block-sink.ts';
import { type HashCode, hashcodeLabel } from '../../../core/block/hashcode.ts';
import { BlockTreeBuilder } from '../../../core/block/tree-builder.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { capability } from '../../../core/store/capability.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import type { Store } from '../../../core/store/store.ts';
import { SyncProcess } from '../../../core/sync/sync-process.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { makeRandom, type Random } from '../../support/random.ts';
import { newStorePath } from '../datadir/store-folder.ts';

/** A tree of some Dirs and files, with contents that recur, of several levels of Blocks; two states of it. */
async function randomTree(store: Store, random: Random): Promise<Dirent> {
  const tree = openLiveTree(store, undefined);
  const dirs: [string, ...string[]] = [''];
  for (let i = random.below(6); i > 0; i--) {
    const path = `${random.pick(dirs)}/dir-${i}`;
    await tree.mkdir(path as TreePath, {});
    dirs.push(path);
  }
  const content = (): Uint8Array => random.bytes(1 + random.below(300));
  const pool: [Uint8Array, ...Uint8Array[]] = [content(), ...Array.from({ length: 11 }, content)];
  for (let i = random.below(14); i > 0; i--) {
    const pending = new PendingBlocks(store.hashName);
    const builder = new BlockTreeBuilder(pending);
    for (let parts = random.below(40); parts > 0; parts--) builder.add(await hashBlock(store, random.pick(pool)));
    const block = builder.finish();
    await pending.flushTo(store);
    await tree.bind(`${random.pick(dirs)}/file-${i}` as TreePath, { kind: 'file', name: '' as Octets, meta: {}, block });
    if (random.chance(20)) await tree.sync({});
  }
  return await tree.sync({});
}

async function hashBlock(store: Store, data: Uint8Array) {
  const { hashcode } = await store.add(data);
  return { kind: 'hash' as const, span: data.length, hashcode };
}

/** What goes from one Store to another and back, counted. */
interface Counted {
  readonly store: Store;
  blocks: number;
  bytes: number;
  asked: number;
}

/** Counts what is got of a Store, and after `cut` Blocks breaks the connection. */
function counting(inner: Store, cut = Number.POSITIVE_INFINITY): Counted {
  const counted: Counted = {
    blocks: 0,
    bytes: 0,
    asked: 0,
    store: new Proxy(inner, {
      get(target, name) {
        if (name === 'get')
          return async (hashcode: HashCode) => {
            if (counted.blocks >= cut) throw new VtError('EFAILED', 'connection lost');
            const data = await target.get(hashcode);
            if (data !== undefined) {
              counted.blocks++;
              counted.bytes += data.length;
            }
            return data;
          };
        if (name === 'has')
          return async (hashcodes: readonly HashCode[]) => {
            counted.asked++;
            return await target.has(hashcodes);
          };
        if (name === 'addBatch' && cut < Number.POSITIVE_INFINITY)
          return async (blocks: Parameters<Store['addBatch']>[0]) => {
            if (counted.blocks >= cut) throw new VtError('EFAILED', 'connection lost');
            counted.blocks += blocks.length;
            return await target.addBatch(blocks);
          };
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    }),
  };
  return counted;
}

async function all(store: Store): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for await (const hashcode of capability(store, 'enumeration')?.hashcodes() ?? [])
    found.set(hashcodeLabel(hashcode), (await store.get(hashcode))?.length ?? 0);
  return found;
}

async function copySome(from: Store, to: Store, random: Random, percent: number): Promise<void> {
  for await (const hashcode of capability(from, 'enumeration')?.hashcodes() ?? [])
    if (random.chance(percent)) await to.add((await from.get(hashcode)) as Uint8Array);
}

async function walked(store: Store, root: Dirent): Promise<number> {
  const check = new SyncProcess(store, new MemoryStore(), { near: 'from', plan: true });
  const { neededBlocks } = await check.estimateDirent(root);
  assert.deepEqual(check.faults, []);
  return neededBlocks;
}

/** Random trees of each property. */
const ROUNDS = 1000;
const CONTENT_ROUNDS = 300;

/** Whichever of the two is near, it is the same work. */
const ROWS = [
  ['from', 'push'],
  ['to', 'pull'],
] as const;

for (const [near, row] of ROWS) {
  it(`${row}: the estimate is what then travels, for ${ROUNDS} random trees and presences of Blocks`, async () => {
    for (let seed = 0; seed < ROUNDS; seed++) {
      const random = makeRandom(7000 + seed);
      const source = new MemoryStore();
      const root = await randomTree(source, random);
      const target = new MemoryStore();
      await copySome(source, target, random, random.below(101));
      const before = await all(target);
      const from = counting(source);
      const sync = new SyncProcess(near === 'to' ? from.store : source, target, { near, order: random.pick(['depth', 'breadth']) });
      const estimate = await sync.estimateDirent(root);
      await sync.transfer();
      assert.deepEqual(sync.faults, [], `seed ${seed}`);
      const after = await all(target);
      const arrived = [...after].filter(([label]) => !before.has(label));
      const bytes = arrived.reduce((sum, [, size]) => sum + size, 0);
      assert.equal(estimate.missingBlocks, arrived.length, `seed ${seed}: Blocks`);
      assert.equal(estimate.missingBytes, bytes, `seed ${seed}: octets`);
      if (near === 'to') assert.deepEqual([from.blocks, from.bytes], [arrived.length, bytes], `seed ${seed}: what was fetched`);
      assert.deepEqual(
        [sync.progressTotal, sync.progressDone, sync.progressOutstanding, sync.doneBlocks],
        [bytes, bytes, 0, arrived.length],
      );
      assert.equal(await walked(target, root), await walked(source, root), `seed ${seed}: whole`);
    }
  });

  it(`${row}: what came before the connection was cut stays, and what a later one estimates is the rest, which then travels, ${ROUNDS} times`, async () => {
    for (let seed = 0; seed < ROUNDS; seed++) {
      const random = makeRandom(9000 + seed);
      const source = new MemoryStore();
      const root = await randomTree(source, random);
      const target = new MemoryStore();
      await copySome(source, target, random, random.below(101));
      const cut = random.below(30);
      const far = counting(near === 'to' ? source : target, cut);
      const broken = near === 'to' ? new SyncProcess(far.store, target, { near }) : new SyncProcess(source, far.store, { near });
      try {
        await broken.estimateDirent(root);
        await broken.transfer();
      } catch (error) {
        assert.match((error as Error).message, /connection lost/);
      }
      const before = await all(target);
      const from = counting(source);
      const sync = new SyncProcess(near === 'to' ? from.store : source, target, { near });
      const estimate = await sync.estimateDirent(root);
      await sync.transfer();
      const arrived = [...(await all(target))].filter(([label]) => !before.has(label));
      const bytes = arrived.reduce((sum, [, size]) => sum + size, 0);
      assert.deepEqual([estimate.missingBlocks, estimate.missingBytes], [arrived.length, bytes], `seed ${seed}`);
      assert.deepEqual([sync.doneBlocks, sync.progressDone], [arrived.length, bytes], `seed ${seed}: moved`);
      if (near === 'to') assert.deepEqual([from.blocks, from.bytes], [arrived.length, bytes], `seed ${seed}: what was fetched`);
      assert.equal(await walked(target, root), await walked(source, root), `seed ${seed}: whole`);
    }
  });

  it(`of a single content what is missing is estimated and moved, for ${CONTENT_ROUNDS} random block trees and presences (near: ${near})`, async () => {
    for (let seed = 0; seed < CONTENT_ROUNDS; seed++) {
      const random = makeRandom(11_000 + seed);
      const source = new MemoryStore();
      const pool: [Uint8Array, ...Uint8Array[]] = [
        random.bytes(40),
        ...Array.from({ length: 20 }, () => random.bytes(1 + random.below(300))),
      ];
      const pending = new PendingBlocks(source.hashName);
      const builder = new BlockTreeBuilder(pending);
      for (let parts = random.below(400); parts > 0; parts--) builder.add(await hashBlock(source, random.pick(pool)));
      const block = builder.finish();
      await pending.flushTo(source);
      // Blocks that the content does not need.
      await source.add(random.bytes(50));
      const target = new MemoryStore();
      await copySome(source, target, random, random.below(101));
      const before = await all(target);
      const from = counting(source);
      const sync = new SyncProcess(near === 'to' ? from.store : source, target, { near });
      const estimate = await sync.estimateBlock(block);
      await sync.transfer();
      assert.deepEqual(sync.faults, [], `seed ${seed}`);
      const arrived = [...(await all(target))].filter(([label]) => !before.has(label));
      const bytes = arrived.reduce((sum, [, size]) => sum + size, 0);
      assert.deepEqual([estimate.missingBlocks, estimate.missingBytes], [arrived.length, bytes], `seed ${seed}`);
      if (near === 'to') assert.deepEqual([from.blocks, from.bytes], [arrived.length, bytes], `seed ${seed}: what was fetched`);
      const check = new SyncProcess(target, new MemoryStore(), { near: 'from', plan: true });
      await check.estimateBlock(block);
      assert.deepEqual(check.faults, [], `seed ${seed}: whole`);
      const whole = new SyncProcess(target, new MemoryStore(), { near: 'to' });
      await whole.estimateBlock(block);
      await whole.transfer();
      assert.deepEqual(whole.faults, [], `seed ${seed}: whole`);
    }
  });

  it(`as records between data folders, with all of it damaged or missing named by its path (near: ${near})`, async () => {
    const random = makeRandom(31);
    const source = await openDatadir(newStorePath({ inMemory: true }), { create: true });
    const target = await openDatadir(newStorePath({ inMemory: true }), { create: true });
    const tree = openLiveTree(source, undefined);
    const lost = random.bytes(5000);
    for (const [name, data] of [
      ['a', random.bytes(9000)],
      ['b', lost],
      ['c', lost],
    ] as const)
      await tree.bind(`/${name}` as TreePath, { kind: 'file', name: '' as Octets, meta: {}, block: await hashBlock(source, data) });
    const root = await tree.sync({});
    await source.flush();
    const { hashcode } = await hashBlock(new MemoryStore(), lost);
    const poor = new Proxy(source, {
      get(inner, name) {
        if (name === 'offers') return {};
        if (name === 'get')
          return async (wanted: HashCode) => {
            if (hashcodeLabel(wanted) === hashcodeLabel(hashcode)) throw new CorruptBlockError(hashcodeLabel(wanted), 'there', 'flipped');
            return await inner.get(wanted);
          };
        const value: unknown = Reflect.get(inner, name, inner);
        return typeof value === 'function' ? (value.bind(inner) as unknown) : value;
      },
    });
    const first = new SyncProcess(poor, target, { near });
    await first.estimateDirent(root);
    await first.transfer();
    assert.deepEqual(first.faults.map(({ path }) => path).sort(), ['/b', '/c']);
    const sync = new SyncProcess(source, target, { near });
    assert.deepEqual(await sync.estimateDirent(root), { neededBlocks: 3, missingBlocks: 1, missingBytes: 5000 });
    await sync.transfer();
    assert.deepEqual(sync.faults, []);
    assert.deepEqual(await target.get(hashcode), Buffer.from(lost));
    await source[Symbol.asyncDispose]();
    await target[Symbol.asyncDispose]();
  });
}

it('a Dir of which all has come is passed over, and contents may be left out', async () => {
  const source = new MemoryStore();
  const root = await randomTree(source, makeRandom(5));
  const target = await openDatadir(newStorePath({ inMemory: true }), { create: true });
  const dirsOnly = new SyncProcess(source, target, { near: 'to', contents: false });
  const { missingBlocks: ofDirs } = await dirsOnly.estimateDirent(root);
  await dirsOnly.transfer();
  const rest = new SyncProcess(source, target, { near: 'to' });
  const { missingBlocks } = await rest.estimateDirent(root);
  await rest.transfer();
  const total = await walked(source, root);
  assert.deepEqual([ofDirs > 0, ofDirs + missingBlocks], [true, total]);
  const from = counting(source);
  const again = new SyncProcess(from.store, target, { near: 'to' });
  assert.deepEqual(await again.estimateDirent(root), { neededBlocks: 0, missingBlocks: 0, missingBytes: 0 });
  assert.equal(from.blocks, 0);
  await target[Symbol.asyncDispose]();
});

it('a single content is filled in as well, and cancelling says so', async () => {
  const source = new MemoryStore();
  const target = new MemoryStore();
  const block = await hashBlock(source, Buffer.from('a content of more octets than a reference holds'));
  const sync = new SyncProcess(source, target, { near: 'to' });
  assert.equal((await sync.estimateBlock(block)).missingBlocks, 1);
  await sync.transfer();
  assert.equal((await target.get(block.hashcode))?.length, block.span);
  const cancelled = new SyncProcess(source, new MemoryStore(), { near: 'to' });
  await cancelled.estimateBlock(block);
  cancelled.cancel();
  await assert.rejects(cancelled.transfer(), (error) => error instanceof VtError && error.code === 'ECANCELLED');
});

it('Stores of different hash functions are refused with the remedy', () => {
  assert.throws(
    () => new SyncProcess(new MemoryStore(), new MemoryStore({ hashName: 'blake3' }), { near: 'from' }),
    (error) => error instanceof VtError && /hash function/.test(error.message) && error.remedy !== undefined,
  );
});

it('a tree is walked in few questions, many Blocks in each', async () => {
  const source = new MemoryStore();
  const tree = openLiveTree(source, undefined);
  const random = makeRandom(3);
  for (let d = 0; d < 40; d++) {
    await tree.mkdir(`/d${d}` as TreePath, {});
    for (let f = 0; f < 10; f++)
      await tree.bind(`/d${d}/f${f}` as TreePath, {
        kind: 'file',
        name: '' as Octets,
        meta: {},
        block: await hashBlock(source, random.bytes(100)),
      });
  }
  const root = await tree.sync({});
  const target = counting(new MemoryStore());
  const sync = new SyncProcess(source, target.store, { near: 'to' });
  const { missingBlocks } = await sync.estimateDirent(root);
  assert.ok(missingBlocks > 400);
  assert.ok(target.asked <= 6, `${target.asked} questions`);
});

it('a tree of 20,000 files of which the peer lacks 1 % goes to a slow peer in a few round trips', async () => {
  const source = new MemoryStore();
  const tree = openLiveTree(source, undefined);
  const random = makeRandom(20);
  const bind = async (d: number, f: number): Promise<void> =>
    await tree.bind(`/d${d}/f${f}` as TreePath, {
      kind: 'file',
      name: '' as Octets,
      meta: {},
      block: await hashBlock(source, random.bytes(60)),
    });
  for (let d = 0; d < 200; d++) {
    await tree.mkdir(`/d${d}` as TreePath, {});
    for (let f = 0; f < 100; f++) await bind(d, f);
  }
  const before = await tree.sync({});
  const peer = new MemoryStore();
  const first = new SyncProcess(source, peer, { near: 'from' });
  await first.estimateDirent(before);
  await first.transfer();
  for (let i = 0; i < 200; i++) await bind(i, random.below(100));
  const after = await tree.sync({});

  // A round trip: something is asked while nothing else is under way.
  let roundTrips = 0;
  let underWay = 0;
  const slow = new Proxy(peer, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function' || !['has', 'add', 'addBatch', 'get', 'flush'].includes(String(name))) return value;
      return async (...args: unknown[]): Promise<unknown> => {
        // Nothing is asked: that stays where it is.
        if (Array.isArray(args[0]) && args[0].length === 0) return (await value.apply(target, args)) as unknown;
        if (underWay++ === 0) roundTrips++;
        try {
          await delay(20);
          return (await value.apply(target, args)) as unknown;
        } finally {
          underWay--;
        }
      };
    },
  });
  const startMs = performance.now();
  const sync = new SyncProcess(source, slow, { near: 'from' });
  const { neededBlocks, missingBlocks } = await sync.estimateDirent(after);
  await sync.transfer();
  const ms = performance.now() - startMs;
  assert.ok(neededBlocks > 20_000 && missingBlocks >= 400 && missingBlocks < 1000, `${missingBlocks} of ${neededBlocks}`);
  assert.equal(sync.doneBlocks, missingBlocks);
  // Two questions of 16,384, the Blocks, and the flush: not one trip for each Dir or file.
  assert.ok(roundTrips <= 20, `${roundTrips} round trips, ${ms.toFixed(0)} ms`);
});
