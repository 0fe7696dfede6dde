import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { VtError } from '../../../core/base/errors.ts';
import { PRIVATE_ACCESS } from '../../../core/base/system/store-files.ts';
import { DEFAULT_EDGES } from '../../../core/block/edge-settings.ts';
import { DatadirIndex } from '../../../core/datadir/datadir-index.ts';
import { Datadir } from '../../../core/datadir/datadir-store.ts';
import { DatadirWriter } from '../../../core/datadir/datadir-writer.ts';
import { catchUp } from '../../../core/datadir/index/index-catch-up.ts';
import { StoreNames } from '../../../core/datadir/names/store-names.ts';
import { layOutPlainly } from '../../../core/store/records/record-layout.ts';
import { newStorePath } from './store-folder.ts';

const OWNER = { storeId: '00112233-4455-6677-8899-aabbccddeeff', hashName: 'sha256' } as const;

// A datadir whose disk can be made to fail.
function makeDatadir(path: string, failsNext: () => { readonly sync: boolean; readonly index: boolean }): Datadir {
  const dataFolder = join(path, 'data');
  mkdirSync(dataFolder, { recursive: true });
  const index: DatadirIndex = new DatadirIndex({
    dataFolder,
    indexFolder: join(path, 'index'),
    owner: OWNER,
    access: PRIVATE_ACCESS,
    readOnly: false,
    shared: true,
    announceFirst: true,
    catchUp: (behind, sink, options) => catchUp(dataFolder, { ...OWNER, names: { find: () => undefined } }, behind, sink, options),
    ownFiles: () => writer.fileNames(),
    generation: () => 0,
    onLoss: () => undefined,
    onNotice: () => undefined,
    monotonicMs: () => 0,
  });
  const writer: DatadirWriter = new DatadirWriter({
    dataFolder,
    ...OWNER,
    access: PRIVATE_ACCESS,
    rollOverSize: 2 ** 30,
    clock: () => new Date(0),
    marks: () => index.indexMarks(),
  });
  const commit = index.commit.bind(index);
  index.commit = (batch) => (failsNext().index ? Promise.reject(new Error('the index has no space')) : commit(batch));
  return new Datadir({
    path,
    name: 'failing:',
    hashName: OWNER.hashName,
    edges: DEFAULT_EDGES,
    compression: 'none',
    layOut: layOutPlainly,
    access: PRIVATE_ACCESS,
    storeId: OWNER.storeId,
    index,
    hasDigests: true,
    names: new StoreNames(path),
    writer: {
      append: (pieces) => writer.append(pieces),
      close: () => writer.close(),
      async sync() {
        const names = writer.fileNames();
        const done = await writer.sync();
        return failsNext().sync
          ? { marks: new Map(), failures: new Map(names.map((name) => [name, new Error('the disk is gone')])) }
          : done;
      },
    },
  });
}

it('what a failed sync may have lost is written again by the same flush', async () => {
  const path = newStorePath();
  const fails = [true];
  const store = makeDatadir(path, () => ({ sync: fails.shift() ?? false, index: false }));
  const { hashcode } = await store.add(Buffer.from('kept'));
  await store.flush();
  assert.equal(String(await store.get(hashcode)), 'kept');
  await store[Symbol.asyncDispose]();
  const data = Buffer.concat(readdirSync(join(path, 'data')).map((name) => readFileSync(join(path, 'data', name))));
  assert.equal(data.toString('latin1').split('kept').length - 1, 2);
});

it('where no sync succeeds a flush fails, and a later one makes the same Blocks durable', async () => {
  const path = newStorePath();
  let fails = true;
  const store = makeDatadir(path, () => ({ sync: fails, index: false }));
  const hashcodes = [];
  for (let i = 0; i < 100; i++) hashcodes.push((await store.add(Buffer.from(`Block ${i}`))).hashcode);
  store.cache.put(Buffer.from('key'), Buffer.from('counts on them'));
  for (let i = 0; i < 3; i++)
    await assert.rejects(store.flush(), (error) => error instanceof VtError && error.message.includes('the disk is gone'));
  assert.equal(store.cache.get(Buffer.from('key')), undefined);
  fails = false;
  await store.flush();
  assert.equal(Buffer.from(store.cache.get(Buffer.from('key')) ?? []).toString(), 'counts on them');
  assert.ok((await store.has(hashcodes)).every(Boolean));
  for (const [i, hashcode] of hashcodes.entries()) assert.equal(String(await store.get(hashcode)), `Block ${i}`);
  await store[Symbol.asyncDispose]();
  const again = makeDatadir(path, () => ({ sync: false, index: false }));
  for (const [i, hashcode] of hashcodes.entries()) assert.equal(String(await again.get(hashcode)), `Block ${i}`);
  await again[Symbol.asyncDispose]();
});

it('Blocks that a failed sync has lost are not counted on, and no later flush says otherwise', async () => {
  const path = newStorePath();
  let fails = false;
  const store = makeDatadir(path, () => ({ sync: fails, index: false }));
  const kept = (await store.add(Buffer.from('kept'))).hashcode;
  await store.flush();
  const lost = (await store.add(Buffer.from('lost'))).hashcode;
  store.cache.put(Buffer.from('key'), Buffer.from('counts on it'));
  const [place] = store.locate([lost.digest]);
  assert.ok(place !== undefined);
  fails = true;
  await assert.rejects(store.flush(), VtError);
  fails = false;
  // The system has dropped it.
  for (const name of readdirSync(join(path, 'data'))) {
    const file = join(path, 'data', name);
    const at = readFileSync(file).lastIndexOf('lost');
    if (at >= 0) truncateSync(file, at);
  }
  await assert.rejects(store.flush(), (error) => error instanceof VtError && error.message.includes('the disk is gone'));
  assert.deepEqual(await store.has([kept, lost]), [true, false]);
  assert.equal((await store.add(Buffer.from('lost'))).isNew, true);
  await assert.rejects(store.flush(), VtError);
  assert.equal(store.cache.get(Buffer.from('key')), undefined);
  assert.ok(await store.get(kept));
  await assert.rejects(store[Symbol.asyncDispose]());
});

it('what the index could not take is kept for the next flush', async () => {
  const path = newStorePath();
  let fails = true;
  const store = makeDatadir(path, () => ({ sync: false, index: fails }));
  const { hashcode } = await store.add(Buffer.from('waits'));
  store.cache.put(Buffer.from('key'), Buffer.from('waits too'));
  await assert.rejects(store.flush(), (error) => error instanceof VtError && error.message.includes('no space'));
  assert.ok(await store.get(hashcode));
  assert.equal(store.indexBatching().transactions, 0);
  fails = false;
  await store.flush();
  assert.equal(store.indexBatching().blocks, 1);
  assert.ok(await store.get(hashcode));
  assert.equal(Buffer.from(store.cache.get(Buffer.from('key')) ?? []).toString(), 'waits too');
  await store[Symbol.asyncDispose]();
});
