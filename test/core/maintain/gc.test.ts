import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { VtError } from '../../../core/base/errors.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { gc } from '../../../core/maintain/gc.ts';
import { makeRandom } from '../../support/random.ts';
import { newStorePath } from '../datadir/store-folder.ts';
import { CONTENT, dataFiles, faultsOf, GC, makeStore, record } from './maintained-store.ts';

it('gc frees what no root needs, tells it beforehand under plan, and keeps every root whole', async () => {
  const { datadir, path } = await makeStore();
  await using _ = datadir;
  await datadir[Symbol.asyncDispose]();
  await using junk = await openDatadir(path);
  for (let i = 0; i < 20; i++) await junk.add(makeRandom(100 + i).bytes(9000));
  await junk[Symbol.asyncDispose]();
  await using store = await openDatadir(path);
  const before = dataFiles(path).reduce((sum, file) => sum + statSync(file).size, 0);
  const plan = await gc(store, { ...GC, plan: true });
  assert.equal(plan.freedBlocks, 20);
  assert.equal(
    dataFiles(path).reduce((sum, file) => sum + statSync(file).size, 0),
    before,
  );
  const done = await gc(store, GC);
  assert.deepEqual([done.freedBlocks, done.keptBlocks, done.sessions], [20, 0, 0]);
  assert.ok(dataFiles(path).reduce((sum, file) => sum + statSync(file).size, 0) < before - 20 * 9000);
  assert.deepEqual(await faultsOf(store), []);
  assert.equal((await store.add(makeRandom(100).bytes(9000))).isNew, true, 'what is gone counts as gone in the session too');
});

it('gc leaves files alone that were written to within the grace period', async () => {
  const { datadir, path } = await makeStore();
  await datadir.add(makeRandom(5).bytes(30_000));
  await datadir[Symbol.asyncDispose]();
  await using store = await openDatadir(path);
  assert.equal((await gc(store, { ...GC, graceMs: 3_600_000 })).freedBlocks, 0);
  for (const file of dataFiles(path)) utimesSync(file, new Date(0), new Date(0));
  assert.equal((await gc(store, { ...GC, graceMs: 3_600_000 })).freedBlocks, 1);
});

it('what a session at work counts on stays until it ends, though it never added it; then gc frees what it did not record', async () => {
  const { datadir, path } = await makeStore();
  const block = makeRandom(7).bytes(7000);
  await datadir.add(block);
  await datadir.add(makeRandom(8).bytes(30_000));
  await datadir[Symbol.asyncDispose]();
  const session = await openDatadir(path);
  // It has the Block already: nothing is written, and no root names it yet.
  assert.equal((await session.add(block)).isNew, false);
  await using store = await openDatadir(path);
  const first = await gc(store, GC);
  assert.deepEqual([first.freedBlocks, first.sessions], [0, 1]);
  await record(session, [block]);
  await session[Symbol.asyncDispose]();
  const second = await gc(store, GC);
  assert.deepEqual([second.freedBlocks, second.sessions], [1, 0]);
  assert.deepEqual(await faultsOf(store), []);
});

it('what an earlier gc set aside goes while sessions are at work that began since', async () => {
  const { datadir, path } = await makeStore();
  await datadir.add(makeRandom(9).bytes(30_000));
  await datadir[Symbol.asyncDispose]();
  const old = await openDatadir(path);
  assert.equal((await old.add(makeRandom(9).bytes(30_000))).isNew, false);
  await using store = await openDatadir(path);
  assert.equal((await gc(store, GC)).freedBlocks, 0);
  const young = await openDatadir(path);
  const hashcode = hashcodeOf(young.hashName, makeRandom(9).bytes(30_000));
  assert.deepEqual(await young.has([hashcode]), [false], 'set aside, so absent when it is asked for');
  assert.ok(await young.get(hashcode), 'and readable');
  await old[Symbol.asyncDispose]();
  const counts = await gc(store, GC);
  assert.deepEqual([counts.freedBlocks, counts.sessions], [1, 1]);
  assert.deepEqual(await faultsOf(store), []);
  assert.equal((await young.add(makeRandom(9).bytes(30_000))).isNew, true);
  assert.ok(await young.get(hashcode));
  await young[Symbol.asyncDispose]();
});

it('readers go on while gc moves what they read', async () => {
  const { datadir, path } = await makeStore();
  for (let i = 0; i < 10; i++) await datadir.add(makeRandom(200 + i).bytes(9000));
  await datadir[Symbol.asyncDispose]();
  await using reader = await openDatadir(path);
  const hashcode = hashcodeOf(reader.hashName, CONTENT.subarray(0, 8000));
  assert.ok(await reader.get(hashcode));
  await using store = await openDatadir(path);
  assert.equal((await gc(store, GC)).freedBlocks, 10);
  assert.ok(await reader.get(hashcode));
  assert.ok(await reader.get(hashcodeOf(reader.hashName, CONTENT.subarray(8000, 16_000))));
});

it('gc removes nothing where a line of an archive is damaged, or what leads to Blocks is missing', async () => {
  const { datadir, path } = await makeStore();
  await datadir.add(makeRandom(9).bytes(30_000));
  await datadir[Symbol.asyncDispose]();
  const archive = join(path, 'archives', 'default.vt');
  const text = readFileSync(archive, 'latin1');
  writeFileSync(archive, `${text}${text.replace('block', 'blick')}`);
  await using store = await openDatadir(path);
  await assert.rejects(gc(store, GC), (error) => error instanceof VtError && error.code === 'ECORRUPT' && /line 2/.test(error.message));
  writeFileSync(archive, text.replace(/sha3-256:..../, 'sha3-256:0000').replace(/ !crc32.*/, ''));
  await assert.rejects(gc(store, GC), (error) => error instanceof VtError && error.code === 'ECORRUPT');
});

it('gc lets not everything go where no archive has a root, unless it is told to', async () => {
  const { datadir, path } = await makeStore();
  await datadir[Symbol.asyncDispose]();
  await using store = await openDatadir(path);
  const archive = join(path, 'archives', 'default.vt');
  const lines = readFileSync(archive);
  for (const lose of [() => writeFileSync(archive, ''), () => rmSync(archive), () => rmSync(join(path, 'archives'), { recursive: true })]) {
    lose();
    for (const plan of [false, true]) await assert.rejects(gc(store, { ...GC, plan }), /no archive has a root/);
    // Within the grace period nothing would go.
    assert.equal((await gc(store, { ...GC, graceMs: 1e9 })).freedBlocks, 0);
  }
  mkdirSync(join(path, 'archives'));
  writeFileSync(archive, lines);
  assert.deepEqual(await faultsOf(store), []);
  rmSync(archive);
  const counts = await gc(store, { ...GC, rootless: true });
  assert.ok(counts.freedBlocks > 0 && counts.liveBlocks === 0);
});

it('gc leaves a data file alone that the index has not seen to its end', async () => {
  const { datadir, path } = await makeStore();
  await using store = datadir;
  // One of another hash function is passed over when the index looks for Blocks.
  const other = newStorePath();
  const foreign = await openDatadir(other, { create: true, hashName: 'sha256' });
  await foreign.add(CONTENT.subarray(0, 5000));
  await foreign[Symbol.asyncDispose]();
  const [from = ''] = dataFiles(other);
  const to = join(path, 'data', 'foreign.vtd');
  writeFileSync(to, readFileSync(from));
  const counts = await gc(store, GC);
  assert.equal(counts.droppedFiles, 0);
  assert.deepEqual(readFileSync(to), readFileSync(from));
  assert.equal((await gc(store, { ...GC, plan: true })).droppedFiles, 0);
});
