import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { DirDirent } from '../../../../core/dirent/dirent.ts';
import { formatDirent } from '../../../../core/dirent/dirent-text.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';
import type { LiveTree } from '../../../../core/tree/live/live-tree.ts';
import { openLiveTree } from '../../../../core/tree/live/live-tree.ts';
import { mergeDirents } from '../../../../core/tree/merge/merge.ts';
import type { TreePath } from '../../../../core/tree/path.ts';
import { joinPath, ROOT_PATH } from '../../../../core/tree/path.ts';
import { checkStored } from '../../../support/trees/check-stored.ts';
import { contentOf, readText } from '../../../support/trees/tree-lines.ts';
import { operation } from '../../../support/trees/tree-operations.ts';
import { changeSide, startOfSides } from '../../../support/trees/tree-sides.ts';

const steps = fc.array(operation, { minLength: 3, maxLength: 15, size: 'max' });
const nowNs = (): bigint => 7n;

/** The same tree, made entry by entry, as a tree that never had a hard link; names of one node become files of their own. */
async function madeAfresh(tree: LiveTree): Promise<string> {
  const fresh = openLiveTree(tree.store, undefined, { nowNs });
  const copy = async (path: TreePath): Promise<void> => {
    for await (const { name, dirent } of tree.list(path)) {
      const at = joinPath(path, name);
      if (dirent.kind === 'dir') {
        await fresh.mkdir(at, dirent.meta);
        await copy(at);
      } else if (dirent.kind === 'symlink') await fresh.symlink(at, dirent.target, dirent.meta);
      else if (dirent.kind === 'file') await fresh.write(at, contentOf(await readText(tree, at)), dirent.meta);
    }
    const meta = (await tree.lookup(path, { follow: false }))?.dirent.meta;
    await fresh.setMeta(path, { mtimeNs: meta?.mtimeNs ?? null, mode: meta?.mode ?? null }, { follow: false });
  };
  await copy(ROOT_PATH);
  return formatDirent(await fresh.sync());
}

/** Takes names from each node until it has one; which one stays goes by a number. */
async function unlinkAll(tree: LiveTree, number: number): Promise<void> {
  const names = new Map<number, TreePath[]>();
  const visit = async (path: TreePath): Promise<void> => {
    for await (const entry of tree.list(path)) {
      if (entry.dirent.kind === 'dir') await visit(entry.path);
      else names.set(entry.id, [...(names.get(entry.id) ?? []), entry.path]);
    }
  };
  await visit(ROOT_PATH);
  for (const paths of names.values()) for (const [i, path] of paths.entries()) if (i !== number % paths.length) await tree.remove(path);
}

async function checkFresh(store: MemoryStore, tree: LiveTree): Promise<void> {
  const root = (await tree.sync()) as DirDirent;
  await checkStored(store, root);
  assert.equal(root.inodes, undefined);
  assert.equal(formatDirent(root), await madeAfresh(tree));
}

it('a tree whose links are gone has the Dirref of one that never had any', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.nat(5), fc.boolean(), async (picked, number, isReopened) => {
      const store = new MemoryStore();
      const base = await startOfSides(store);
      const root = await changeSide(openLiveTree(store, base, { nowNs }), picked, 'ours');
      let tree = openLiveTree(store, root, { nowNs });
      if (isReopened) {
        await unlinkAll(tree, number);
        await tree.sync();
        tree = openLiveTree(store, (await tree.sync()) as DirDirent, { nowNs });
      } else await unlinkAll(tree, number);
      await checkFresh(store, tree);
    }),
    { numRuns: 60, includeErrorInReport: true },
  );
});

it('so it is after a merge, and a Dir that is copied out of its tree has none either', async () => {
  await fc.assert(
    fc.asyncProperty(steps, steps, fc.nat(5), async (ourSteps, theirSteps, number) => {
      const store = new MemoryStore();
      const base = await startOfSides(store);
      const ours = await changeSide(openLiveTree(store, base, { nowNs }), ourSteps, 'ours');
      const theirs = await changeSide(openLiveTree(store, base, { nowNs }), theirSteps, 'theirs');
      const sides: DirDirent[] = [];
      for (const side of [ours, theirs]) {
        const tree = openLiveTree(store, side, { nowNs });
        await unlinkAll(tree, number);
        sides.push((await tree.sync()) as DirDirent);
      }
      const [one = ours, other = theirs] = sides;
      const { dirent } = await mergeDirents(store, base, one, other, { now: new Date(0) });
      await checkStored(store, dirent);
      const tree = openLiveTree(store, dirent, { nowNs });
      for (const [i, path] of ['/a', '/b'].entries()) {
        if ((await tree.lookup(path as TreePath))?.dirent.kind !== 'dir') continue;
        await tree.copy(path as TreePath, `/copy-${i}` as TreePath);
      }
      await unlinkAll(tree, number + 1);
      await checkFresh(store, tree);
    }),
    { numRuns: 40, includeErrorInReport: true },
  );
});
