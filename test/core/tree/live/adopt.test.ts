import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { DirDirent } from '../../../../core/dirent/dirent.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';
import type { LiveTree } from '../../../../core/tree/live/live-tree.ts';
import { openLiveTree } from '../../../../core/tree/live/live-tree.ts';
import { at, contentOf, octets, readText, treeLines } from '../../../support/trees/tree-lines.ts';

/** Two trees that were opened from the same root. */
async function twoTrees(): Promise<{
  readonly store: MemoryStore;
  readonly base: DirDirent;
  readonly here: LiveTree;
  readonly there: LiveTree;
}> {
  const store = new MemoryStore();
  const first = openLiveTree(store, undefined);
  await first.mkdir(at('/d'), { mtimeNs: 5n });
  await first.write(at('/d/same'), contentOf('same'), {});
  await first.write(at('/d/old'), contentOf('old'), {});
  await first.write(at('/gone'), contentOf('gone'), {});
  await first.write(at('/linked'), contentOf('linked'), {});
  const base = (await first.sync()) as DirDirent;
  return { store, base, here: openLiveTree(store, base), there: openLiveTree(store, base) };
}

it('a live tree takes over what another made of it, and what did not change there stays the same node', async () => {
  const { base, here, there } = await twoTrees();
  const held = await here.nodes.child(here.nodes.root, octets('d'));
  assert.ok(held?.sort === 'dir');
  await there.write(at('/d/old'), contentOf('new'), {});
  await there.remove(at('/gone'));
  await there.link(at('/linked'), at('/d/again'));
  await there.mkdir(at('/more'), {});
  await there.link(at('/linked'), at('/more/third'));
  await there.symlink(at('/more/s'), octets('../d'), {});
  await there.setMeta(at('/d'), { mtimeNs: 7n, mode: 0o700 });
  const after = (await there.sync()) as DirDirent;
  const clashes = await here.adopt(base, after);
  assert.deepEqual(clashes, []);
  assert.deepEqual(await treeLines(here), await treeLines(there));
  assert.equal(here.nodes.root.overlay.get(octets('d')), held);
  assert.equal(held.dirent.meta.mtimeNs, 7n);
  const again = openLiveTree(here.store, (await here.sync()) as DirDirent);
  assert.deepEqual(await treeLines(again), await treeLines(there));
});

it('what changed in a live tree meanwhile stays, with the other state of it beside', async () => {
  const { base, here, there } = await twoTrees();
  await there.write(at('/d/old'), contentOf('theirs'), {});
  await there.remove(at('/gone'));
  await there.write(at('/fresh'), contentOf('theirs'), {});
  const after = (await there.sync()) as DirDirent;
  await here.write(at('/d/old'), contentOf('ours'), {});
  await here.write(at('/gone'), contentOf('kept'), {});
  await here.write(at('/fresh'), contentOf('ours'), {});
  const clashes = await here.adopt(base, after);
  assert.deepEqual(
    clashes.map(({ path, theirsAt }) => [path, theirsAt]),
    [
      [at('/d/old'), at('/d/old.theirs')],
      [at('/fresh'), at('/fresh.theirs')],
      [at('/gone'), undefined],
    ],
  );
  for (const [path, text] of [
    ['/d/old', 'ours'],
    ['/d/old.theirs', 'theirs'],
    ['/fresh', 'ours'],
    ['/fresh.theirs', 'theirs'],
    ['/gone', 'kept'],
  ] as const)
    assert.equal(await readText(here, at(path)), text);
});

it('a hard-linked file that another changed is taken over under all its names, though it records its ctime', async () => {
  const store = new MemoryStore();
  const first = openLiveTree(store, undefined);
  await first.mkdir(at('/d'), {});
  await first.write(at('/a'), contentOf('old'), { mode: 0o644, mtimeNs: 1n, ctimeNs: 1n });
  for (const path of ['/b', '/d/c']) await first.link(at('/a'), at(path));
  const base = (await first.sync()) as DirDirent;
  const [here, there] = [openLiveTree(store, base), openLiveTree(store, base)];
  await there.write(at('/b'), contentOf('new'), {});
  assert.deepEqual(await here.adopt(base, (await there.sync()) as DirDirent), []);
  assert.deepEqual(await treeLines(here), await treeLines(there));
  assert.equal((await here.lookup(at('/d/c')))?.nlink, 3);
});

it('names that another linked or took apart are so here, though nothing else differs', async () => {
  const store = new MemoryStore();
  const first = openLiveTree(store, undefined);
  await first.mkdir(at('/d'), { mode: 0o755 });
  for (const path of ['/a', '/b', '/d/c']) await first.write(at(path), contentOf('same'), { mode: 0o644 });
  for (const path of ['/one', '/d/two', '/three']) await first.write(at(path), contentOf('also'), { mode: 0o644 });
  await first.link(at('/a'), at('/d/e'));
  const base = (await first.sync()) as DirDirent;
  const [here, there] = [openLiveTree(store, base), openLiveTree(store, base)];
  // As deduplicating by links does it, and writing anew what had a link.
  for (const [existing, path] of [
    ['/one', '/d/two'],
    ['/one', '/three'],
  ] as const) {
    await there.remove(at(path));
    await there.link(at(existing), at(path));
  }
  await there.remove(at('/d/e'));
  await there.write(at('/d/e'), contentOf('same'), { mode: 0o644 });
  await there.setMeta(at('/d'), { mode: 0o700 });
  await there.link(at('/a'), at('/d/new'));
  assert.deepEqual(await here.adopt(base, (await there.sync()) as DirDirent), []);
  assert.deepEqual(await treeLines(here), await treeLines(there));
  const again = openLiveTree(store, (await here.sync()) as DirDirent);
  assert.deepEqual(await treeLines(again), await treeLines(there));
});

it('a Dir that another removed stays where something in it changed here, also if it was stored since', async () => {
  for (const path of ['/d/new', '/d/old', '/d/link']) {
    const store = new MemoryStore();
    const first = openLiveTree(store, undefined);
    await first.mkdir(at('/d'), {});
    await first.write(at('/d/old'), contentOf('old'), {});
    await first.write(at('/d/link'), contentOf('linked'), {});
    await first.link(at('/d/link'), at('/d/again'));
    const base = (await first.sync()) as DirDirent;
    const [here, there] = [openLiveTree(store, base), openLiveTree(store, base)];
    await there.remove(at('/d'), { recursive: true });
    await here.write(at(path), contentOf('written meanwhile'), {});
    await here.copy(at('/d'), at('/copy'));
    const clashes = await here.adopt(base, (await there.sync()) as DirDirent);
    assert.deepEqual(clashes, [{ path: at('/d'), theirsAt: undefined }], path);
    assert.equal(await readText(here, at(path)), 'written meanwhile');
  }
});
