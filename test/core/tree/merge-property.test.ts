import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { PathError } from '../../../core/base/errors.ts';
import type { DirDirent } from '../../../core/dirent/dirent.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { openLiveTree } from '../../../core/tree/live-tree.ts';
import { mergeDirents } from '../../../core/tree/merge.ts';
import { checkStored } from '../../support/check-stored.ts';
import { ModelError, ModelTree } from '../../support/model-tree.ts';
import { treeLines } from '../../support/tree-lines.ts';
import type { Operation, PickedOperation } from '../../support/tree-operations.ts';
import { applyToModel, applyToTree, operation, START, settle } from '../../support/tree-operations.ts';

/** What one side makes of a base; every content that it writes is told from all others. */
async function sideOf(
  store: MemoryStore,
  base: DirDirent | undefined,
  steps: readonly (Operation | PickedOperation)[],
  side: string,
): Promise<DirDirent> {
  const tree = openLiveTree(store, base);
  const model = new ModelTree();
  for (const step of START) applyToModel(model, step);
  for (const [number, picked] of steps.entries()) {
    const chosen = base === undefined ? (picked as Operation) : settle(model, picked as PickedOperation);
    const step = chosen.op === 'write' ? { ...chosen, content: `<${side} ${number}>` } : chosen;
    try {
      await applyToTree(tree, step);
      applyToModel(model, step);
    } catch (error) {
      if (!(error instanceof PathError || error instanceof ModelError)) throw error;
    }
  }
  return (await tree.sync()) as DirDirent;
}

async function contents(store: MemoryStore, dirent: DirDirent): Promise<Set<string>> {
  const lines = await treeLines(openLiveTree(store, dirent));
  return new Set(lines.flatMap((line) => /<\w+ \d+>/.exec(line)?.[0] ?? []));
}

const steps = fc.array(operation, { minLength: 3, maxLength: 15, size: 'max' });

it('a merge loses nothing that either side wrote, keeps hard links whole, and is the other side where one did nothing', async () => {
  await fc.assert(
    fc.asyncProperty(steps, steps, async (ourSteps, theirSteps) => {
      const store = new MemoryStore();
      const base = await sideOf(store, undefined, START, 'base');
      const ours = await sideOf(store, base, ourSteps, 'ours');
      const theirs = await sideOf(store, base, theirSteps, 'theirs');
      const now = new Date(0);
      const { dirent } = await mergeDirents(store, base, ours, theirs, { now });
      await checkStored(store, dirent);
      const found = await contents(store, dirent);
      for (const side of [ours, theirs]) {
        for (const text of await contents(store, side)) if (!text.startsWith('<base')) assert.ok(found.has(text), `${text} is lost`);
      }
      for (const side of [ours, theirs]) {
        const idle = await mergeDirents(store, base, side, base, { now });
        assert.deepEqual(await treeLines(openLiveTree(store, idle.dirent)), await treeLines(openLiveTree(store, side)));
      }
    }),
    { numRuns: 40, includeErrorInReport: true },
  );
});
