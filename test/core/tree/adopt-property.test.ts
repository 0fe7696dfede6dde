import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { PathError } from '../../../core/base/errors.ts';
import type { DirDirent } from '../../../core/dirent/dirent.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import type { LiveTree } from '../../../core/tree/live-tree.ts';
import { openLiveTree } from '../../../core/tree/live-tree.ts';
import { mergeDirents } from '../../../core/tree/merge.ts';
import { checkStored } from '../../support/check-stored.ts';
import { ModelError, ModelTree } from '../../support/model-tree.ts';
import { treeLines } from '../../support/tree-lines.ts';
import type { PickedOperation } from '../../support/tree-operations.ts';
import { applyToModel, applyToTree, operation, START, settle } from '../../support/tree-operations.ts';

/** Changes a tree; every content that is written is told from all others. */
async function change(tree: LiveTree, steps: readonly PickedOperation[], by: string): Promise<DirDirent> {
  const model = new ModelTree();
  for (const step of START) applyToModel(model, step);
  for (const [number, picked] of steps.entries()) {
    const chosen = settle(model, picked);
    const step = chosen.op === 'write' ? { ...chosen, content: `<${by} ${number}>` } : chosen;
    try {
      await applyToTree(tree, step);
      applyToModel(model, step);
    } catch (error) {
      if (!(error instanceof PathError || error instanceof ModelError)) throw error;
    }
  }
  return (await tree.sync()) as DirDirent;
}

async function start(store: MemoryStore): Promise<DirDirent> {
  const tree = openLiveTree(store, undefined);
  for (const [number, step] of START.entries()) {
    await applyToTree(tree, step.op === 'write' ? { ...step, content: `<base ${number}>` } : step);
  }
  return (await tree.sync()) as DirDirent;
}

async function contents(tree: LiveTree): Promise<Set<string>> {
  return new Set((await treeLines(tree)).flatMap((line) => /<\w+ \d+>/.exec(line)?.[0] ?? []));
}

const steps = fc.array(operation, { minLength: 3, maxLength: 15, size: 'max' });

it('a live tree that takes over a merge is what was merged, hard links too, and goes on as that does', async () => {
  await fc.assert(
    fc.asyncProperty(steps, steps, steps, async (ourSteps, theirSteps, moreSteps) => {
      const store = new MemoryStore();
      const base = await start(store);
      const live = openLiveTree(store, base);
      const ours = await change(live, ourSteps, 'ours');
      const theirs = await change(openLiveTree(store, base), theirSteps, 'theirs');
      const { dirent } = await mergeDirents(store, base, ours, theirs, { now: new Date(0) });
      assert.deepEqual(await live.adopt(ours, dirent), []);
      const merged = openLiveTree(store, dirent);
      assert.deepEqual(await treeLines(live), await treeLines(merged));
      const after = await change(live, moreSteps, 'more');
      await checkStored(store, after);
      await change(merged, moreSteps, 'more');
      assert.deepEqual(await treeLines(openLiveTree(store, after)), await treeLines(merged));
    }),
    { numRuns: 40, includeErrorInReport: true },
  );
});

it('a live tree that takes over a merge loses nothing of what was written in it meanwhile', async () => {
  await fc.assert(
    fc.asyncProperty(steps, steps, steps, async (ourSteps, theirSteps, moreSteps) => {
      const store = new MemoryStore();
      const base = await start(store);
      const live = openLiveTree(store, base);
      const ours = await change(live, ourSteps, 'ours');
      const theirs = await change(openLiveTree(store, base), theirSteps, 'theirs');
      const { dirent } = await mergeDirents(store, base, ours, theirs, { now: new Date(0) });
      await change(live, moreSteps, 'more');
      const before = await contents(live);
      await live.adopt(ours, dirent);
      const found = await contents(live);
      for (const text of before) if (text.startsWith('<more')) assert.ok(found.has(text), `${text} is lost`);
      const merged = await contents(openLiveTree(store, dirent));
      for (const text of merged) if (text.startsWith('<theirs')) assert.ok(found.has(text) || !before.has(text), `${text} is lost`);
      await checkStored(store, (await live.sync()) as DirDirent);
    }),
    { numRuns: 40, includeErrorInReport: true },
  );
});
