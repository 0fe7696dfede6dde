import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import type { ArchiveEntry } from '../../../core/archive/archive.ts';
import { LostAddsError, VtError } from '../../../core/base/errors.ts';
import { octetsFromText } from '../../../core/base/octets.ts';
import { PendingBlocks } from '../../../core/block/block-sink.ts';
import type { HashCode } from '../../../core/block/hashcode.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import { storeDir } from '../../../core/dirent/dir-codec.ts';
import type { DirDirent, Dirent } from '../../../core/dirent/dirent.ts';
import { isReadable } from '../../../core/maintain/is-readable.ts';
import { Reach } from '../../../core/maintain/reach.ts';
import { archiveRoots } from '../../../core/maintain/roots.ts';
import type { BucketGcCounts } from '../../../core/s3/bucket-gc.ts';
import { gcBucket } from '../../../core/s3/bucket-gc.ts';
import type { S3Store } from '../../../core/s3/s3-store.ts';
import { archiveOf } from '../../../core/store/archive-of-store.ts';
import { makeRandom } from '../../support/random.ts';
import { FakeS3 } from '../../support/s3/fake-s3.ts';
import { FAKE_KEYS, S3Machine } from '../../support/s3/s3-stores.ts';

const DAY_MS = 86_400_000;
let fake: FakeS3;
const machines: S3Machine[] = [];
before(async () => {
  fake = await FakeS3.start({ conditions: 'ignored' });
});
after(async () => {
  for (const machine of machines) machine.remove();
  await fake[Symbol.asyncDispose]();
});

function newMachine(): S3Machine {
  const machine = new S3Machine({ endpoint: fake.endpoint, ...FAKE_KEYS });
  machines.push(machine);
  return machine;
}

function content(number: number): Buffer {
  return Buffer.from(`content ${number} `.repeat(20 + number));
}

/** Adds a tree of files with these contents. @returns its root */
async function addTree(store: S3Store, numbers: readonly number[]): Promise<DirDirent> {
  const sink = new PendingBlocks(store.hashName);
  const files = [...new Set(numbers)]
    .sort((a, b) => a - b)
    .map((number): Dirent => {
      const data = content(number);
      const name = octetsFromText(String(number).padStart(4, '0'));
      return { kind: 'file', name, meta: {}, block: { kind: 'hash', span: data.length, hashcode: sink.put(data) } };
    });
  const block = storeDir(sink, files);
  await sink.flushTo(store);
  return { kind: 'dir', name: octetsFromText(''), meta: {}, block };
}

async function record(store: S3Store, dirent: DirDirent, second: number): Promise<void> {
  await archiveOf(store, 'default')?.append(async () => await Promise.resolve({ whenNs: BigInt(second) * 1_000_000_000n, dirent }));
}

async function collect(store: S3Store): Promise<BucketGcCounts> {
  return await gcBucket(store, { graceMs: DAY_MS, plan: false, rootless: true });
}

/** Every Block that the archives need is there and whole, as a machine sees it that knew nothing. @returns how many roots there are */
async function checkWhole(prefix: string): Promise<number> {
  await using store = await newMachine().open(prefix, { readOnly: true, create: false });
  const leaves: HashCode[] = [];
  let roots = 0;
  for await (const { dirent } of archiveRoots(store)) {
    assert.ok(await isReadable(store, dirent), `root ${roots} is not readable`);
    const reach = new Reach(store, { leaf: (hashcode) => void leaves.push(hashcode), inner: () => undefined, harm: () => undefined });
    await reach.walk(dirent);
    roots++;
  }
  const found = await Promise.all(leaves.map(async (leaf) => await store.get(leaf)));
  assert.ok(found.every((data) => data !== undefined));
  return roots;
}

const seed = Number(process.env['VTFTP_TEST_SEED'] ?? 1 + Math.floor(Math.random() * 1e6));

for (const layout of ['packs', 'blocks'] as const) {
  /** What lies in the bucket of Blocks. */
  const objects = (prefix: string): string[] => fake.keys(`${prefix}/${layout}/`);
  const opened = async (machine: S3Machine, prefix: string): Promise<S3Store> => await machine.open(prefix, {}, `&layout=${layout}`);

  it(`${layout}: what no root needs is retired, and removed a day later by the clock of the service; what is needed is copied`, async () => {
    const prefix = `${layout}-phases`;
    {
      await using writer = await opened(newMachine(), prefix);
      await record(writer, await addTree(writer, [1, 2, 3]), 1);
      await addTree(writer, [100, 101, 102, 103]);
      await writer.flush();
      await record(writer, await addTree(writer, [1, 2, 3, 4]), 2);
    }
    await using store = await opened(newMachine(), prefix);
    assert.equal((await collect(store)).retiredObjects, 0, 'they are young');
    fake.aheadMs += DAY_MS + 1000;
    const plan = await gcBucket(store, { graceMs: DAY_MS, plan: true, rootless: true });
    const packs = objects(prefix);
    const first = await collect(store);
    assert.equal(plan.retiredObjects, first.retiredObjects);
    assert.ok(first.retiredObjects > 0 && first.removedObjects === 0);
    assert.ok(
      packs.every((key) => fake.objects.has(key)),
      'nothing is removed yet',
    );
    {
      await using other = await opened(newMachine(), prefix);
      assert.deepEqual(await other.has([hashcodeOf(store.hashName, content(100)), hashcodeOf(store.hashName, content(1))]), [false, true]);
    }
    assert.equal((await collect(store)).removedObjects, 0);

    fake.aheadMs += DAY_MS + 1000;
    const second = await collect(store);
    assert.equal(second.removedObjects, first.retiredObjects);
    assert.ok(objects(prefix).length < packs.length + 2);
    await using later = await opened(newMachine(), prefix);
    assert.equal(await later.get(hashcodeOf(store.hashName, content(100))), undefined);
    assert.equal(await checkWhole(prefix), 2);
    const third = await collect(store);
    assert.deepEqual([third.removedObjects, third.retiredObjects], [0, 0], 'it comes to rest');
  });

  it(`${layout}: a session that counted on what gc retires meanwhile stores it again before its root is recorded`, async () => {
    const prefix = `${layout}-counted`;
    {
      await using store = await opened(newMachine(), prefix);
      await addTree(store, [1, 2, 3]);
    }
    fake.aheadMs += DAY_MS + 1000;
    await using writer = await opened(newMachine(), prefix);
    const root = await addTree(writer, [1, 2]);
    {
      await using collector = await opened(newMachine(), prefix);
      assert.ok((await collect(collector)).retiredObjects > 0);
    }
    await record(writer, root, 1);
    fake.aheadMs += DAY_MS + 1000;
    await using collector = await opened(newMachine(), prefix);
    assert.ok((await collect(collector)).removedObjects > 0);
    assert.equal(await checkWhole(prefix), 1);
  });

  it(`${layout}: a root that was recorded between marking and retiring keeps its Blocks: the gc that removes marks anew`, async () => {
    const prefix = `${layout}-between`;
    await using writer = await opened(newMachine(), prefix);
    const root = await addTree(writer, [1, 2, 3]);
    await writer.flush();
    fake.aheadMs += DAY_MS + 1000;
    await using collector = await opened(newMachine(), prefix);
    await collect(collector);
    // As if it had been recorded a moment earlier: the session has not seen the list.
    const entries = fake.keys(`${prefix}/index/x/`);
    const [key = ''] = entries;
    const list = fake.objects.get(key);
    assert.ok(list !== undefined);
    fake.objects.delete(key);
    await record(writer, root, 1);
    fake.objects.set(key, list);
    fake.aheadMs += DAY_MS + 1000;
    // Packs were copied, and go; single Blocks stay where they are.
    assert.equal((await collect(collector)).removedObjects > 0, layout === 'packs');
    assert.equal(await checkWhole(prefix), 1);
  });

  it(`${layout}: a session that gives signs of life keeps what was retired since it began, and a dead one does not`, async () => {
    const prefix = `${layout}-signs`;
    {
      await using store = await opened(newMachine(), prefix);
      await addTree(store, [1, 2, 3]);
    }
    const beganMs = Date.now() + fake.aheadMs;
    fake.aheadMs += DAY_MS + 1000;
    await using collector = await opened(newMachine(), prefix);
    assert.ok((await collect(collector)).retiredObjects > 0);
    fake.aheadMs += DAY_MS + 1000;
    fake.objects.set(`${prefix}/sessions/one`, { body: Buffer.from(`${beganMs}\n`), modifiedMs: Date.now() + fake.aheadMs, request: 0 });
    const kept = await collect(collector);
    assert.deepEqual([kept.removedObjects, kept.sessions], [0, 1]);
    fake.aheadMs += 61 * 60_000;
    const gone = await collect(collector);
    assert.ok(gone.removedObjects > 0);
    assert.deepEqual(fake.keys(`${prefix}/sessions/`), []);
  });

  it(`${layout}: gc removes nothing where a root cannot be read, or a pack that is needed is gone`, async () => {
    const prefix = `${layout}-harmed`;
    await using store = await opened(newMachine(), prefix);
    await record(store, await addTree(store, [1, 2, 3]), 1);
    await addTree(store, [7, 8, 9]);
    await store.flush();
    fake.aheadMs += DAY_MS + 1000;
    const packs = objects(prefix);
    const kept = packs.map((key) => [key, fake.objects.get(key)] as const);
    for (const [key, object] of kept) {
      fake.objects.delete(key);
      await using collector = await opened(newMachine(), prefix);
      await collect(collector).then(
        ({ removedObjects }) => assert.equal(removedObjects, 0),
        (error: unknown) => assert.ok(error instanceof VtError && error.code === 'ECORRUPT'),
      );
      if (object !== undefined) fake.objects.set(key, object);
    }
    for (const key of packs) assert.ok(fake.objects.has(key));
  });

  it(`${layout}: a Block that two writers added at once stays for who relies on either pack`, async () => {
    const prefix = `${layout}-twice`;
    const [first, second] = [newMachine(), newMachine()];
    {
      const [one, two] = [await opened(first, prefix), await opened(second, prefix)];
      // Neither knows yet what the other adds, so that each publishes a pack with it.
      await addTree(one, [1]);
      await addTree(two, [1]);
      for (const store of [one, two]) {
        await store.flush();
        fake.aheadMs += 1000;
      }
      for (const store of [one, two]) await store[Symbol.asyncDispose]();
    }
    const cleaner = newMachine();
    // A machine that reads both takes the older pack for the Block's, and retires that.
    fake.aheadMs += 2 * DAY_MS;
    {
      await using collector = await opened(cleaner, prefix);
      await collect(collector);
    }
    fake.aheadMs += 2 * DAY_MS;
    for (const writer of [first, second]) {
      await using store = await opened(writer, prefix);
      const root = await addTree(store, [1]);
      await store.flush();
      await using collector = await opened(cleaner, prefix);
      await collect(collector);
      await record(store, root, writer === first ? 1 : 2);
      await checkWhole(prefix);
    }
  });

  it(`${layout}: two writers, one gc and one that forgets lose nothing, whoever dies where (seed ${seed})`, async () => {
    const random = makeRandom(seed);
    const prefix = `${layout}-random-${seed}`;
    const crew = [newMachine(), newMachine(), newMachine()];
    let recorded = 0;
    let removed = 0;
    const write = async (machine: S3Machine, lives: number, numbers: readonly number[]): Promise<void> => {
      const store = await opened(machine, prefix);
      // A session that dies leaves what it has put; nothing is flushed for it.
      const root = await addTree(store, numbers);
      if (lives < 0.2) return;
      try {
        await store.flush();
      } catch (error) {
        // A gc was first: the session is told, and has recorded nothing.
        if (error instanceof LostAddsError) return;
        throw error;
      }
      if (lives < 0.3) return;
      await record(store, root, ++recorded);
      await store[Symbol.asyncDispose]();
    };
    for (let round = 0; round < 5; round++) {
      const pick = (): number[] => Array.from({ length: 1 + random.below(6) }, () => random.below(25));
      const [one, two] = [pick(), pick()];
      const [lives, otherLives, forgets] = [random.below(100) / 100, random.below(100) / 100, random.below(2) === 0];
      const [first, second, third] = crew as [S3Machine, S3Machine, S3Machine];
      await Promise.all([
        write(first, lives, one),
        write(second, otherLives, two),
        (async () => {
          await using store = await opened(third, prefix);
          removed += (await collect(store)).removedObjects;
        })(),
      ]);
      if (forgets) {
        await using store = await opened(third, prefix);
        const archive = archiveOf(store, 'default');
        const last = await archive?.last();
        if (last !== undefined && last.number > 1)
          for await (const entry of archive?.entries() ?? [])
            if (entry.number === 1 + random.below(last.number - 1)) {
              await archive?.lines?.drop([entry]);
              break;
            }
      }
      await checkWhole(prefix);
      fake.aheadMs += DAY_MS + 1000;
    }
    // In the end all states but the newest go, and with them what only they needed.
    const { length: before } = objects(prefix);
    await using store = await opened(newMachine(), prefix);
    const archive = archiveOf(store, 'default');
    const old: ArchiveEntry[] = [];
    for await (const entry of archive?.entries() ?? []) old.push(entry);
    await archive?.lines?.drop(old.slice(0, -1));
    let most = 0;
    for (let i = 0; i < 3; i++) {
      const counts = await collect(store);
      removed += counts.removedObjects;
      // A fifth may be of no need to anybody.
      most = layout === 'packs' ? 4 : 2 * counts.liveBlocks + 2;
      fake.aheadMs += DAY_MS + 1000;
    }
    assert.equal(await checkWhole(prefix), Math.min(1, recorded));
    assert.ok(removed > 0 && objects(prefix).length <= Math.min(before, most), `${before} objects, ${removed} removed, of ${most} at most`);
  });
}

for (const layout of ['packs', 'blocks'])
  it(`objects are locked for some days, and gc renews what is needed and lets the rest run out, layout ${layout}`, async () => {
    const prefix = `retain-${layout}`;
    const store = await newMachine().open(prefix, {}, `&layout=${layout}&retain=30`);
    const dirent = await addTree(store, [1, 2, 3]);
    await store.flush();
    await record(store, dirent, 1);
    const gone = await addTree(store, [7, 8]);
    await store.flush();
    const lockedOf = (keys: readonly string[]): string[] => keys.filter((key) => fake.objects.get(key)?.lockedUntil !== undefined);
    const kept = fake.keys(`${prefix}/`).filter((key) => !/~lock-|\/sessions\//.test(key));
    assert.deepEqual(lockedOf(fake.keys(`${prefix}/`)), kept);
    assert.ok(kept.length >= 5, kept.join(' '));
    const before = new Map(kept.map((key) => [key, fake.objects.get(key)?.lockedUntil]));

    // What is not needed is retired, and cannot be removed a day later. That is no error.
    const options = { graceMs: DAY_MS, plan: false };
    fake.aheadMs += 2 * DAY_MS;
    await gcBucket(store, options);
    fake.aheadMs += 2 * DAY_MS;
    assert.ok((await gcBucket(store, options)).lockedObjects > 0);
    assert.deepEqual(
      kept.filter((key) => fake.objects.get(key)?.lockedUntil !== before.get(key)),
      [],
    );

    // Past half of the time what is needed is locked anew; past all of it the rest goes.
    fake.aheadMs += 12 * DAY_MS;
    await gcBucket(store, options);
    const renewed = kept.filter((key) => fake.objects.get(key)?.lockedUntil !== before.get(key));
    assert.ok(renewed.length >= 3 && renewed.length < kept.length, renewed.join(' '));
    assert.ok(renewed.some((key) => key.startsWith(`${prefix}/archives/`)));
    fake.aheadMs += 20 * DAY_MS;
    assert.ok((await gcBucket(store, options)).removedObjects > 0);
    assert.equal(await isReadable(store, gone), false);
    assert.ok(await isReadable(store, dirent));
    await store[Symbol.asyncDispose]();
    assert.deepEqual(fake.wrong, []);
  });

it('a bucket that cannot lock is told of when the Store is opened', async () => {
  fake.faults.lacksLock = true;
  await assert.rejects(newMachine().open('unlocked', {}, '&retain=30'), {
    code: 'EOPEN',
    message: /the bucket has no Object Lock/,
  });
  fake.faults.lacksLock = false;
  assert.deepEqual(fake.keys('unlocked/'), []);
});
