import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { MemoryStore } from '../../../../core/store/memory.ts';
import { openLiveTree } from '../../../../core/tree/live/live-tree.ts';
import { mergeTrees } from '../../../../core/tree/merge/merge-trees.ts';
import { checkStored } from '../../../support/trees/check-stored.ts';
import { treeLines } from '../../../support/trees/tree-lines.ts';
import { operation } from '../../../support/trees/tree-operations.ts';
import { changeSide, startOfSides, writtenIn } from '../../../support/trees/tree-sides.ts';

const steps = fc.array(operation, { minLength: 3, maxLength: 15, size: 'max' });

it('a merge loses nothing that either side wrote, keeps hard links whole, and is the other side where one did nothing', async () => {
  await fc.assert(
    fc.asyncProperty(steps, steps, async (ourSteps, theirSteps) => {
      const store = new MemoryStore();
      const base = await startOfSides(store);
      const ours = await changeSide(openLiveTree(store, base), ourSteps, 'ours');
      const theirs = await changeSide(openLiveTree(store, base), theirSteps, 'theirs');
      const now = new Date(0);
      const { dirent } = await mergeTrees(store, base, ours, theirs, { now });
      await checkStored(store, dirent);
      const found = await writtenIn(openLiveTree(store, dirent));
      for (const side of [ours, theirs]) {
        for (const text of await writtenIn(openLiveTree(store, side))) {
          if (!text.startsWith('<base')) assert.ok(found.has(text), `${text} is lost`);
        }
      }
      for (const side of [ours, theirs]) {
        const idle = await mergeTrees(store, base, side, base, { now });
        assert.deepEqual(await treeLines(openLiveTree(store, idle.dirent)), await treeLines(openLiveTree(store, side)));
      }
    }),
    { numRuns: 40, includeErrorInReport: true },
  );
});
