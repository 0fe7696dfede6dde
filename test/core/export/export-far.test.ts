import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { exportDirent } from '../../../core/export/export.ts';
import type { ExportFailure } from '../../../core/export/export-report.ts';
import type { Capable } from '../../../core/store/capability.ts';
import { capability } from '../../../core/store/capability.ts';
import type { RecordBatch } from '../../../core/store/records/record-batch.ts';
import type { Store } from '../../../core/store/store.ts';
import { rsyncDifferences } from '../../support/rsync/rsync.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';
import { SealedPlace } from '../../support/sealed/sealed-stores.ts';

import { storeTree } from '../../support/trees/store-tree.ts';

const o = (path: string): Octets => Buffer.from(path).toString('latin1') as Octets;

interface FarStore {
  readonly store: Store;
  /** Blocks asked for one by one. */
  gets: number;
  /** Askings for records that were under way at once. */
  most: number;
}

/** A Store that does not tell where its Blocks lie, and answers in a later turn. @param change - what becomes of records on the way */
function far(below: Store, change: (batch: RecordBatch) => RecordBatch | undefined = (batch) => batch): FarStore {
  const source = capability(below, 'recordSource');
  let underWay = 0;
  const recordSource = {
    async *records(...args: Parameters<NonNullable<typeof source>['records']>) {
      found.most = Math.max(found.most, ++underWay);
      for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
      for await (const batch of source?.records(...args) ?? []) {
        const changed = change(batch);
        if (changed !== undefined) yield changed;
      }
      underWay--;
    },
  };
  const store = Object.create(below, {
    name: { value: below.name },
    hashName: { value: below.hashName },
    edges: { value: below.edges },
    offers: { value: { recordSource } },
    wraps: { value: undefined },
    get: {
      value: async (...args: Parameters<Store['get']>) => {
        found.gets++;
        return await below.get(...args);
      },
    },
  }) as Store;
  const found: FarStore = { store, gets: 0, most: 0 };
  return found;
}

/** Small files and large ones, equal ones, holes and nothing. */
function manyFiles(scratch: Scratch): string {
  const source = scratch.mkdir('source');
  for (let i = 0; i < 300; i++) writeFileSync(join(source, `small ${i}`), randomBytes(20_000));
  writeFileSync(join(source, 'large'), randomBytes(9 << 20));
  writeFileSync(join(source, 'twice'), Buffer.concat([readFileSync(join(source, 'large')), readFileSync(join(source, 'small 7'))]));
  writeFileSync(join(source, 'as small 3'), readFileSync(join(source, 'small 3')));
  writeFileSync(join(source, 'empty'), '');
  writeFileSync(join(source, 'hole'), 'a');
  truncateSync(join(source, 'hole'), 6 << 20);
  return source;
}

for (const workers of [0, 2])
  test(`contents of a Store that is far away are asked for together, many at a time (${workers} workers)`, async (t: TestContext) => {
    const scratch = makeScratch(t);
    const source = manyFiles(scratch);
    await using store = await openDatadir(scratch.path('store'), { create: true });
    const dirent = await storeTree(store, source);
    const found = far(store);
    const { files } = await exportDirent(found.store, dirent, o(scratch.path('target')), { workers });
    assert.equal(files, 305);
    assert.equal(await rsyncDifferences(source, scratch.path('target')), '');
    // Superblocks and Dirs alone are asked for one by one: leaves are some 1,500.
    assert.ok(found.gets < 400, `${found.gets} Blocks`);
    assert.ok(found.most > 4, `${found.most} at a time`);
  });

test('a record that is damaged, or does not come, is asked of the Store itself, which gives it or names what is wrong', async (t: TestContext) => {
  const scratch = makeScratch(t);
  const source = manyFiles(scratch);
  await using store = await openDatadir(scratch.path('store'), { create: true });
  const dirent = await storeTree(store, source);
  const ways: readonly ((batch: RecordBatch) => RecordBatch | undefined)[] = [
    (batch) => {
      const image = Uint8Array.from(batch.image);
      image[image.length - 1] = (image.at(-1) ?? 0) ^ 1;
      return { ...batch, image };
    },
    () => undefined,
  ];
  for (const [way, change] of ways.entries()) {
    const target = scratch.path(`target ${way}`);
    await exportDirent(far(store, change).store, dirent, o(target));
    assert.equal(await rsyncDifferences(source, target), '');
  }

  const lost = hashcodeOf(store.hashName, readFileSync(join(source, 'small 3')).subarray(0, 16 * 1024));
  const { store: without } = far(store, () => undefined);
  const failing = Object.create(without, {
    get: {
      value: async (hashcode: Parameters<Store['get']>[0]) =>
        Buffer.compare(hashcode.digest, lost.digest) === 0 ? undefined : await store.get(hashcode),
    },
  }) as Store;
  const failures: ExportFailure[] = [];
  await exportDirent(failing, dirent, o(scratch.path('rest')), { onFailure: (failure) => failures.push(failure) });
  assert.deepEqual(failures.map(({ path }) => path).sort(), ['as small 3', 'small 3']);
  assert.ok(failures.every(({ isDamage }) => isDamage));
  assert.equal(readdirSync(scratch.path('rest')).length, 303);
});

for (const isFar of [false, true])
  test(`workers open what is sealed; a flipped bit costs the file that it harms alone${isFar ? ' (records from far away)' : ''}`, async (t: TestContext) => {
    const scratch = makeScratch(t);
    const place = new SealedPlace();
    t.after(() => place.remove());
    const source = manyFiles(scratch);
    await using store = await place.open(scratch.path('store'));
    const dirent = await storeTree(store, source);
    await store.flush();
    const sealing = capability(store, 'sealing');
    assert.ok(sealing !== undefined);
    const below = far(sealing.below);
    const opened = Object.create(store, {
      name: { value: store.name },
      hashName: { value: store.hashName },
      edges: { value: store.edges },
      offers: {
        value: { ...(store as Store & Capable).offers, ...(isFar ? { sealing: { ...sealing, below: below.store } } : { sealing }) },
      },
      gets: { value: 0, writable: true },
      get: {
        value: async (...args: Parameters<Store['get']>) => {
          opened.gets++;
          return await store.get(...args);
        },
      },
    }) as Store & { gets: number };
    await exportDirent(opened, dirent, o(scratch.path('target')), { workers: 2 });
    assert.equal(await rsyncDifferences(source, scratch.path('target')), '');
    assert.ok(opened.gets < 400, `${opened.gets} Blocks`);

    // One bit of one leaf, anywhere in its record: the file is told of, and all else comes.
    const file = scratch.path(`store/data/${readdirSync(scratch.path('store/data'))[0]}`);
    const stored = readFileSync(file);
    const name = sealing.names(hashcodeOf(store.hashName, readFileSync(join(source, 'small 5')).subarray(0, 16 * 1024)).digest);
    const at = stored.lastIndexOf(name);
    assert.ok(at > 0);
    chmodSync(file, 0o600);
    for (const bit of [0, 8 * 32, 8 * 33, 8 * 5000 + 3]) {
      const flipped = Buffer.from(stored);
      const octet = at + (bit >>> 3);
      flipped[octet] = (flipped[octet] ?? 0) ^ (1 << (bit & 7));
      writeFileSync(file, flipped);
      const failures: ExportFailure[] = [];
      await exportDirent(opened, dirent, o(scratch.path(`bit ${bit}`)), { workers: 2, onFailure: (failure) => failures.push(failure) });
      assert.deepEqual(
        failures.map(({ path }) => path),
        ['small 5'],
        `bit ${bit}`,
      );
    }
  });
