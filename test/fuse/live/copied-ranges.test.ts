import assert from 'node:assert/strict';
import { constants } from 'node:fs';
import { it } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import type { Block } from '../../../core/block/block.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { run, superblock, times } from '../../support/bombs/bomb.ts';
import { MapSource } from '../../support/stores/map-source.ts';
import { LiveHarness } from '../live-harness.ts';

const SIZE = 70_000;

/** A file of more references than a superblock may have: nobody can read it. */
async function harnessWithBomb(): Promise<LiveHarness> {
  const harness = new LiveHarness();
  const made = new MapSource(harness.store.hashName);
  const block: Block = superblock(made, times(SIZE, run(1, 'x')));
  for (const data of made.blocks.values()) await harness.store.add(data);
  await harness.tree.bind('/bomb' as TreePath, { kind: 'file', name: 'bomb' as Octets, meta: { mode: 0o644 }, block });
  return harness;
}

it('a part of what cannot be read is not copied by reference: it could never be stored', async () => {
  await using harness = await harnessWithBomb();
  const { caller } = harness;
  const from = await caller.call('open', 'bomb', constants.O_RDONLY, 0);
  const to = await caller.call('open', 'copy', constants.O_CREAT | constants.O_WRONLY, 0o644);
  await assert.rejects(caller.call('copyFileRange', from, 0, to, 0, SIZE - 1), /EIO|does not parse/);
  await caller.call('close', from);
  await caller.call('close', to);
  await harness.sync();
});

it('all of it is copied, damaged as it is', async () => {
  await using harness = await harnessWithBomb();
  const { caller } = harness;
  const from = await caller.call('open', 'bomb', constants.O_RDONLY, 0);
  const to = await caller.call('open', 'copy', constants.O_CREAT | constants.O_WRONLY, 0o644);
  assert.equal(await caller.call('copyFileRange', from, 0, to, 0, SIZE), SIZE);
  await caller.call('close', from);
  await caller.call('close', to);
  await harness.sync();
  const [bomb, copy] = await Promise.all(['/bomb', '/copy'].map(async (path) => await harness.tree.dirent(path as TreePath)));
  assert.ok(bomb?.kind === 'file' && copy?.kind === 'file');
  assert.deepEqual(copy.block, bomb.block);
});
