import { PathError } from '../../../core/base/errors.ts';
import type { DirDirent } from '../../../core/dirent/dirent.ts';
import type { Store } from '../../../core/store/store.ts';
import type { LiveTree } from '../../../core/tree/live/live-tree.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import { ModelError, ModelTree } from './model-tree.ts';
import { treeLines } from './tree-lines.ts';
import type { Operation, PickedOperation } from './tree-operations.ts';
import { applyToModel, applyToTree, START, settle } from './tree-operations.ts';

// What several sessions make of one tree: each content that one writes is told from all others.

function told(step: Operation, by: string, number: number): Operation {
  return step.op === 'write' ? { ...step, content: `<${by} ${number}>` } : step;
}

/** The root that every side starts from. */
export async function startOfSides(store: Store): Promise<DirDirent> {
  const tree = openLiveTree(store, undefined);
  for (const [number, step] of START.entries()) await applyToTree(tree, told(step, 'base', number));
  return (await tree.sync()) as DirDirent;
}

/** Does what can be done of some operations to a tree, paths chosen as if it were the start, and syncs it. */
export async function changeSide(tree: LiveTree, steps: readonly PickedOperation[], by: string): Promise<DirDirent> {
  const model = new ModelTree();
  for (const step of START) applyToModel(model, step);
  for (const [number, picked] of steps.entries()) {
    const step = told(settle(model, picked), by, number);
    try {
      await applyToTree(tree, step);
      applyToModel(model, step);
    } catch (error) {
      if (!(error instanceof PathError || error instanceof ModelError)) throw error;
    }
  }
  return (await tree.sync()) as DirDirent;
}

/** The contents that some side wrote, wherever they stand. */
export async function writtenIn(tree: LiveTree): Promise<Set<string>> {
  const lines = await treeLines(tree);
  return new Set(lines.flatMap((line) => /<\w+ \d+>/.exec(line)?.[0] ?? []));
}
