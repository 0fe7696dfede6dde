import assert from 'node:assert/strict';
import { cpSync, mkdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { it } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { importLocal } from '../../../core/import/import.ts';
import { gc } from '../../../core/maintain/gc.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import type { Store } from '../../../core/store/store.ts';
import { SyncProcess } from '../../../core/sync/sync-process.ts';
import type { Random } from '../../support/random.ts';
import { makeRandom } from '../../support/random.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';
import { openServed, serveIn, serviceOf, testCheckers } from './served-store.ts';

// What PUT remembers of local files for a Store that is served elsewhere: files are not read again, and it is never trusted too far.

const GC = { plan: false, graceMs: 0, rootless: true, now: () => new Date(Date.now() + 60_000) };
const DIRS = 4;
const FILES = 6;
const ROUNDS = 20;

/** A served datadir and a local tree. */
class Machine {
  readonly #scratch: Scratch;
  readonly #random: Random;
  readonly tree: Octets;
  readonly storePath: string;

  constructor(scratch: Scratch, random: Random) {
    this.#scratch = scratch;
    this.#random = random;
    this.tree = scratch.path('tree') as Octets;
    this.storePath = scratch.path('store');
    for (let dir = 0; dir < DIRS; dir++) {
      mkdirSync(`${this.tree}/d${dir}`, { recursive: true });
      for (let file = 0; file < FILES; file++) this.write(dir, file);
    }
  }

  /** Writes a file that is old enough to be trusted: by its ctime, too, once the clock has gone on. */
  write(dir: number, file: number): void {
    const path = `${this.tree}/d${dir}/f${file}`;
    writeFileSync(path, this.#random.bytes(100 + this.#random.below(5000)));
    utimesSync(path, 1e9, 1e9 + this.#random.below(1e6));
  }

  /** Waits until no file is too young for what is remembered of it to be trusted. */
  async settle(): Promise<void> {
    const ctimes = Array.from({ length: DIRS * FILES }, (_, i) => statSync(`${this.tree}/d${i % DIRS}/f${Math.floor(i / DIRS)}`).ctimeMs);
    const oldEnoughMs = Math.max(...ctimes) + 60;
    while (Date.now() < oldEnoughMs) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Serves the Store for as long as a session lasts. */
  async session<Result>(work: (store: Store) => Promise<Result>, cachePath = this.#scratch.path('cache')): Promise<Result> {
    await using below = await openDatadir(this.storePath, { create: true });
    await using _server = await serveIn(this.#scratch.path('.'), serviceOf(below));
    await using store = await openServed(this.#scratch.path('.'), {}, { cachePath });
    return await work(store);
  }

  /** Puts the tree. @returns how many files were not read */
  async put(during?: () => Promise<void>): Promise<{ readonly dirent: Dirent; readonly unchanged: number }> {
    return await this.session(async (store) => {
      const { dirent, counts } = await importLocal(store, this.tree, { workers: 0 });
      await during?.();
      await store.flush();
      return { dirent, unchanged: counts.unchangedFiles };
    });
  }

  async clean(): Promise<void> {
    await using store = await openDatadir(this.storePath);
    await gc(store, GC);
  }

  /** Fails where anything of a tree is lacking. */
  async check(dirent: Dirent, round: number): Promise<void> {
    await using store = await openDatadir(this.storePath);
    const sync = new SyncProcess(store, new MemoryStore(), { near: 'from' });
    await sync.estimateDirent(dirent);
    await sync.transfer();
    assert.deepEqual(sync.faults, [], `round ${round}`);
  }
}

it('files that are as an earlier put into a served Store left them are not read again, by another session either', async (t) => {
  const machine = new Machine(makeScratch(t), makeRandom(1));
  await machine.settle();
  assert.equal((await machine.put()).unchanged, 0);
  assert.equal((await machine.put()).unchanged, DIRS * FILES);
  machine.write(1, 1);
  assert.equal((await machine.put()).unchanged, DIRS * FILES - 1);
  await machine.clean();
  assert.equal((await machine.put()).unchanged, 0, 'nothing holds after a gc that freed Blocks');
  // Where nothing can be remembered, everything is read.
  writeFileSync(`${machine.storePath}-no-folder`, '');
  const read = await machine.session(async (store) => {
    await importLocal(store, machine.tree, { workers: 0 });
    await store.flush();
    return (await importLocal(store, machine.tree, { workers: 0 })).counts.unchangedFiles;
  }, `${machine.storePath}-no-folder`);
  assert.equal(read, 0);
});

it('a flush that counted on Blocks which the Store may have lost since fails for as long as the session lasts', async (t) => {
  const scratch = makeScratch(t);
  const machine = new Machine(scratch, makeRandom(2));
  await machine.settle();
  const cachePath = scratch.path('cache');
  const serve = async (instance: string): Promise<AsyncDisposable> => {
    const below = await openDatadir(machine.storePath, { create: true });
    const server = await serveIn(scratch.path('.'), serviceOf(below, { instance }));
    return {
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]();
        await below[Symbol.asyncDispose]();
      },
    };
  };
  const put = async (store: Store): Promise<number> => (await importLocal(store, machine.tree, { workers: 0 })).counts.unchangedFiles;
  await machine.put();
  const first = await serve('first');
  await using store = await openServed(scratch.path('.'), {}, { cachePath });
  assert.equal(await put(store), DIRS * FILES);
  // As long as that process serves, gc spares what it has counted on.
  machine.write(0, 0);
  await machine.clean();
  assert.equal(await put(store), DIRS * FILES - 1);
  await store.flush();
  await first[Symbol.asyncDispose]();
  await machine.clean();
  await using _second = await serve('second');
  await assert.rejects(store.flush(), /Blocks that it had may have been removed there meanwhile/);
  await assert.rejects(store.flush(), /Blocks that it had may have been removed there meanwhile/);
  await using again = await openServed(scratch.path('.'), {}, { cachePath });
  assert.equal(await put(again), 0);
  await again.flush();
});

it(`whatever gc and a way back to an earlier state do to a served Store, a put leaves all of the tree there, ${ROUNDS} times`, async (t) => {
  const random = makeRandom(Number(process.env['VTFTP_SEED'] ?? 3));
  const machine = new Machine(makeScratch(t), random);
  let unread = 0;
  let saved = false;
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = random.below(3); i > 0; i--) machine.write(random.below(DIRS), random.below(FILES));
    if (random.chance(50)) await machine.settle();
    if (random.chance(20)) await machine.clean();
    if (random.chance(15) && round > 0) {
      cpSync(machine.storePath, `${machine.storePath}-saved`, { recursive: true });
      saved = true;
    } else if (random.chance(20) && saved) {
      rmSync(machine.storePath, { recursive: true });
      cpSync(`${machine.storePath}-saved`, machine.storePath, { recursive: true });
    }
    const { dirent, unchanged } = await machine.put(random.chance(20) ? async () => await machine.clean() : undefined);
    unread += unchanged;
    await machine.check(dirent, round);
  }
  assert.ok(unread > (ROUNDS * DIRS * FILES) / 10, `${unread} files were not read`);
  await testCheckers[Symbol.asyncDispose]();
});
