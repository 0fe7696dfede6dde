import assert from 'node:assert/strict';
import { closeSync, cpSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { it } from 'node:test';
import { CorruptBlockError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import type { Datadir } from '../../../core/datadir/datadir-store.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { gc } from '../../../core/maintain/gc.ts';
import type { Store } from '../../../core/store/store.ts';
import type { SyncEstimate } from '../../../core/sync/sync-process.ts';
import { SyncProcess } from '../../../core/sync/sync-process.ts';
import { type LiveTree, openLiveTree } from '../../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { makeRandom, type Random } from '../../support/random.ts';
import { newStorePath } from '../datadir/store-folder.ts';

const GC = { plan: false, graceMs: 0, rootless: true, now: () => new Date(Date.now() + 60_000) };
const ROUNDS = 60;

async function bindFile(store: Store, tree: LiveTree, path: string, random: Random): Promise<void> {
  const data = random.bytes(100 + random.below(400));
  const { hashcode } = await store.add(data);
  const block = { kind: 'hash' as const, span: data.length, hashcode };
  await tree.bind(path as TreePath, { kind: 'file', name: '' as Octets, meta: {}, block });
}

async function makeTree(store: Store, dirs: number, files: number, random: Random): Promise<LiveTree> {
  const tree = openLiveTree(store, undefined);
  for (let d = 0; d < dirs; d++) {
    await tree.mkdir(`/d${d}` as TreePath, {});
    for (let f = 0; f < files; f++) await bindFile(store, tree, `/d${d}/f${f}`, random);
  }
  return tree;
}

async function openStore(): Promise<Datadir> {
  return await openDatadir(newStorePath({ inMemory: true }), { create: true });
}

async function close(...stores: readonly Datadir[]): Promise<void> {
  for (const store of stores) await store[Symbol.asyncDispose]();
}

/** Flips a bit of the Block of a Dir where it is stored, and has it found. */
async function damage(peer: Datadir, root: Dirent): Promise<void> {
  assert.ok(root.kind === 'dir' && root.block.kind === 'hash');
  const { hashcode } = root.block;
  const [location] = peer.locate([hashcode.digest]);
  assert.ok(location !== undefined);
  const fd = openSync(location.file, 'r+');
  const octet = Buffer.alloc(1);
  readSync(fd, octet, 0, 1, location.offset);
  writeSync(fd, Buffer.from([(octet[0] ?? 0) ^ 1]), 0, 1, location.offset);
  closeSync(fd);
  await assert.rejects(peer.get(hashcode), CorruptBlockError);
  await peer.flush();
}

/** Pushes, with something done between finding out and moving. */
async function pushed(from: Store, to: Store, root: Dirent, between?: () => Promise<void>): Promise<SyncEstimate> {
  const sync = new SyncProcess(from, to, { near: 'from' });
  const estimate = await sync.estimateDirent(root);
  await between?.();
  await sync.transfer();
  assert.deepEqual(sync.faults, []);
  return estimate;
}

/** What a Store lacks of a tree, whatever is noted. */
async function lacking(from: Store, to: Store, root: Dirent): Promise<number> {
  return (await new SyncProcess(from, to, { near: 'from', recheck: true, plan: true }).estimateDirent(root)).missingBlocks;
}

it('a push looks only below Dirs that were changed since the last one to the same peer', async () => {
  const [near, peer] = await Promise.all([openStore(), openStore()]);
  const random = makeRandom(1);
  const tree = await makeTree(near, 30, 20, random);
  const first = await pushed(near, peer, await tree.sync({}));
  assert.ok(first.missingBlocks > 600);
  await bindFile(near, tree, '/d7/f3', random);
  const root = await tree.sync({});
  const second = await pushed(near, peer, root);
  assert.ok(second.missingBlocks >= 3 && second.neededBlocks < 40, JSON.stringify(second));
  assert.deepEqual(await pushed(near, peer, root), { neededBlocks: 0, missingBlocks: 0, missingBytes: 0 });
  const all = await new SyncProcess(near, peer, { near: 'from', recheck: true }).estimateDirent(root);
  assert.ok(all.neededBlocks > 600 && all.missingBlocks === 0);
  await close(near, peer);
});

it('a peer that was put back to an earlier state is asked about everything', async () => {
  const near = await openStore();
  const path = newStorePath();
  let peer = await openDatadir(path, { create: true });
  const random = makeRandom(2);
  const tree = await makeTree(near, 5, 5, random);
  await pushed(near, peer, await tree.sync({}));
  await peer[Symbol.asyncDispose]();
  cpSync(path, `${path}-before`, { recursive: true });
  peer = await openDatadir(path);
  await bindFile(near, tree, '/d1/new', random);
  const root = await tree.sync({});
  await pushed(near, peer, root);
  await peer[Symbol.asyncDispose]();
  rmSync(path, { recursive: true });
  cpSync(`${path}-before`, path, { recursive: true });
  peer = await openDatadir(path);
  assert.ok((await pushed(near, peer, root)).missingBlocks > 0);
  assert.equal(await lacking(near, peer, root), 0);
  await close(near, peer);
});

it(`whatever a gc removes from the peer before, during or after a push, the next one brings, ${ROUNDS} times`, async () => {
  const random = makeRandom(3);
  const near = await openStore();
  const path = newStorePath();
  const made = await openDatadir(path, { create: true });
  await made[Symbol.asyncDispose]();
  const clean = async (): Promise<void> => {
    await using store = await openDatadir(path);
    await gc(store, GC);
  };
  const tree = await makeTree(near, 6, 4, random);
  let passedOver = 0;
  let refused = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = random.below(3); i > 0; i--) await bindFile(near, tree, `/d${random.below(6)}/f${random.below(8)}`, random);
    const root = await tree.sync({});
    if (random.chance(25)) await clean();
    await using peer = await openDatadir(path);
    const isCleaned = random.chance(30);
    try {
      const { neededBlocks } = await pushed(near, peer, root, isCleaned ? clean : undefined);
      if (neededBlocks < 20) passedOver++;
    } catch (error) {
      assert.match(String(error), /Blocks that it had may have been removed meanwhile/);
      assert.ok(isCleaned);
      refused++;
    }
    // No root over there has the tree: what was there before, and is set aside meanwhile, comes with the next one.
    if (isCleaned) await pushed(near, peer, root);
    assert.equal(await lacking(near, peer, root), 0, `round ${round}`);
    if (random.chance(15)) {
      // A Block that is found damaged counts as one that is not there.
      await damage(peer, root);
      assert.equal(await lacking(near, peer, root), 1);
      await pushed(near, peer, root);
      assert.equal(await lacking(near, peer, root), 0, `round ${round}, after damage`);
    }
  }
  assert.ok(passedOver > ROUNDS / 5, `${passedOver} of ${ROUNDS} passed over Dirs, ${refused} were refused`);
  await close(near);
});
