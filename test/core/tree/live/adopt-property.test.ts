import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { DirDirent } from '../../../../core/dirent/dirent.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';
import type { LiveTree } from '../../../../core/tree/live/live-tree.ts';
import { openLiveTree } from '../../../../core/tree/live/live-tree.ts';
import { mergeDirents } from '../../../../core/tree/merge/merge.ts';
import { checkStored } from '../../../support/trees/check-stored.ts';
import { treeLines } from '../../../support/trees/tree-lines.ts';
import type { PickedOperation } from '../../../support/trees/tree-operations.ts';
import { operation } from '../../../support/trees/tree-operations.ts';
import { changeSide, startOfSides, writtenIn } from '../../../support/trees/tree-sides.ts';

interface Merged {
  readonly store: MemoryStore;
  /** As it is while the merge is made. */
  readonly live: LiveTree;
  readonly ours: DirDirent;
  /** What became of `ours` and what another made of the start. */
  readonly merged: DirDirent;
}

/** A check of a live tree and what it is to take over, with operations for more. */
function ofMerged(check: (merged: Merged, more: readonly PickedOperation[]) => Promise<void>): Promise<void> {
  const steps = fc.array(operation, { minLength: 3, maxLength: 15, size: 'max' });
  const property = fc.asyncProperty(steps, steps, steps, async (ourSteps, theirSteps, more) => {
    const store = new MemoryStore();
    const base = await startOfSides(store);
    const live = openLiveTree(store, base);
    const ours = await changeSide(live, ourSteps, 'ours');
    const theirs = await changeSide(openLiveTree(store, base), theirSteps, 'theirs');
    const { dirent: merged } = await mergeDirents(store, base, ours, theirs, { now: new Date(0) });
    await check({ store, live, ours, merged }, more);
  });
  return fc.assert(property, { numRuns: 40, includeErrorInReport: true });
}

it('a live tree that takes over a merge is what was merged, hard links too, and goes on as that does', async () => {
  await ofMerged(async ({ store, live, ours, merged }, more) => {
    assert.deepEqual(await live.adopt(ours, merged), []);
    const other = openLiveTree(store, merged);
    assert.deepEqual(await treeLines(live), await treeLines(other));
    const after = await changeSide(live, more, 'more');
    await checkStored(store, after);
    await changeSide(other, more, 'more');
    assert.deepEqual(await treeLines(openLiveTree(store, after)), await treeLines(other));
  });
});

it('a live tree that takes over a merge loses nothing of what was written in it meanwhile', async () => {
  await ofMerged(async ({ store, live, ours, merged }, more) => {
    await changeSide(live, more, 'more');
    const before = await writtenIn(live);
    await live.adopt(ours, merged);
    const found = await writtenIn(live);
    for (const text of before) if (text.startsWith('<more')) assert.ok(found.has(text), `${text} is lost`);
    for (const text of await writtenIn(openLiveTree(store, merged))) {
      if (text.startsWith('<theirs')) assert.ok(found.has(text), `${text} is lost`);
    }
    await checkStored(store, (await live.sync()) as DirDirent);
  });
});
