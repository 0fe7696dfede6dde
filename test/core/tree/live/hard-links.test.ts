import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openArchiveFile } from '../../../../core/archive/archive-file.ts';
import type { Octets } from '../../../../core/base/octets.ts';
import { readDir } from '../../../../core/dirent/dir-codec.ts';
import type { DirDirent } from '../../../../core/dirent/dirent.ts';
import { formatDirent, parseDirent } from '../../../../core/dirent/dirent-text.ts';
import { openStore } from '../../../../core/openers/open-store.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';
import type { LiveTree } from '../../../../core/tree/live/live-tree.ts';
import { openLiveTree } from '../../../../core/tree/live/live-tree.ts';
import { PROJECT_ROOT } from '../../../support/project.ts';
import { makeScratch } from '../../../support/scratch.ts';
import { checkStored } from '../../../support/trees/check-stored.ts';
import { at, contentOf, readText, treeLines } from '../../../support/trees/tree-lines.ts';

/** A tree with `/d/a` and `/d/e/b`, names of one node, and `/d/f`. */
async function linkedTree(): Promise<{ tree: LiveTree; store: MemoryStore }> {
  const store = new MemoryStore();
  let count = 0;
  const newUuid = (): string => `00000000-0000-4000-8000-${String(count++).padStart(12, '0')}`;
  const tree = openLiveTree(store, undefined, { newUuid });
  await tree.mkdir(at('/d'), {});
  await tree.mkdir(at('/d/e'), {});
  await tree.write(at('/d/a'), contentOf('linked'), { mode: 0o644 });
  await tree.write(at('/d/f'), contentOf('plain'), { mode: 0o644 });
  await tree.link(at('/d/a'), at('/d/e/b'));
  return { tree, store };
}

/** Reopens a tree at its synced root, checked. */
async function reopened(tree: LiveTree, store: MemoryStore): Promise<LiveTree> {
  const root = parseDirent(formatDirent(await tree.sync())) as DirDirent;
  await checkStored(store, root);
  const again = openLiveTree(store, root);
  assert.deepEqual(await treeLines(again), await treeLines(tree));
  return again;
}

async function tableSize(store: MemoryStore, dir: DirDirent): Promise<number> {
  let count = 0;
  if (dir.inodes !== undefined) for await (const _node of readDir(store, dir.inodes)) count++;
  return count;
}

async function sameNode(tree: LiveTree, ...paths: readonly string[]): Promise<boolean> {
  const ids = await Promise.all(paths.map(async (path) => (await tree.lookup(at(path)))?.id));
  return ids.every((id) => id !== undefined && id === ids[0]);
}

describe('hard links in a live tree', () => {
  it('change together, whichever name is used', async () => {
    const { tree, store } = await linkedTree();
    await tree.write(at('/d/e/b'), contentOf('new'), {});
    await tree.setMeta(at('/d/a'), { mode: 0o600 });
    assert.equal(await readText(tree, at('/d/a')), 'new');
    assert.equal((await tree.lookup(at('/d/e/b')))?.dirent.meta.mode, 0o600);
    const again = await reopened(tree, store);
    await again.write(at('/d/a'), contentOf('newer'), {});
    assert.equal(await readText(await reopened(again, store), at('/d/e/b')), 'newer');
  });

  it('leave their table with the last name, and the table goes with its last node', async () => {
    const { tree, store } = await linkedTree();
    const root = (await tree.sync()) as DirDirent;
    assert.equal(await tableSize(store, root), 1);
    assert.equal(root.links, 2);
    await tree.remove(at('/d/a'));
    assert.equal((await tree.lookup(at('/d/e/b')))?.nlink, 1);
    await tree.remove(at('/d/e'), { recursive: true });
    const after = (await tree.sync()) as DirDirent;
    assert.equal(after.inodes, undefined);
    assert.equal(after.links, undefined);
  });

  it('leave their table with the last but one name; who holds the node goes on with it', async () => {
    const { tree } = await linkedTree();
    const { nodes } = tree;
    const dir = await nodes.child(nodes.root, 'd' as Octets);
    assert.ok(dir?.sort === 'dir');
    const node = await nodes.child(dir, 'a' as Octets);
    assert.ok(node?.sort === 'leaf');
    await tree.remove(at('/d/e/b'));
    const root = (await tree.sync()) as DirDirent;
    assert.deepEqual([root.inodes, root.links, node.hard], [undefined, undefined, undefined]);
    assert.equal(await nodes.child(dir, 'a' as Octets), node);
    assert.equal(nodes.isRemoved(node), false);
    await nodes.link(node, dir, 'again' as Octets, {});
    await nodes.rename({ dir, name: 'again' as Octets }, { dir: nodes.root, name: 'moved' as Octets }, 'keep', {});
    await nodes.remove(dir, 'a' as Octets, 'leaf', {});
    assert.equal(((await tree.sync()) as DirDirent).inodes, undefined);
    assert.equal(await nodes.child(nodes.root, 'moved' as Octets), node);
    assert.equal(nodes.isRemoved(node), false);
    await nodes.remove(nodes.root, 'moved' as Octets, 'leaf', {});
    assert.equal(nodes.isRemoved(node), true);
  });

  it('a Dir taken out of its tree has the nodes of its names in a table of its own, counting those alone', async () => {
    const { tree, store } = await linkedTree();
    await tree.link(at('/d/a'), at('/outside'));
    const dir = (await tree.dirent(at('/d'))) as DirDirent;
    await checkStored(store, dir);
    assert.equal(dir.links, 2);
    assert.equal((await tree.lookup(at('/d/a')))?.nlink, 3);
    const alone = openLiveTree(store, parseDirent(formatDirent(dir)) as DirDirent);
    assert.equal(await readText(alone, at('/e/b')), 'linked');
    assert.equal((await alone.lookup(at('/a')))?.nlink, 2);
    const leaf = await tree.dirent(at('/d/a'));
    assert.equal(leaf.uuid, undefined, 'a single name is a plain file elsewhere');
  });

  it('a Dir without any is taken out as it is', async () => {
    const { tree } = await linkedTree();
    await tree.mkdir(at('/d/none'), {});
    await tree.write(at('/d/none/x'), contentOf('x'), {});
    assert.equal(((await tree.dirent(at('/d/none'))) as DirDirent).inodes, undefined);
  });

  it('a copied Dir links among itself only', async () => {
    const { tree, store } = await linkedTree();
    await tree.copy(at('/d'), at('/copy'));
    assert.ok(await sameNode(tree, '/copy/a', '/copy/e/b'));
    assert.ok(!(await sameNode(tree, '/copy/a', '/d/a')));
    await tree.write(at('/copy/a'), contentOf('changed copy'), {});
    const again = await reopened(tree, store);
    assert.equal(await readText(again, at('/copy/e/b')), 'changed copy');
    assert.equal(await readText(again, at('/d/e/b')), 'linked');
  });

  it('a link across the border of a table moves the node outwards', async () => {
    const { tree, store } = await linkedTree();
    await tree.copy(at('/d'), at('/copy'));
    const again = await reopened(tree, store);
    await again.link(at('/copy/a'), at('/outside'));
    assert.ok(await sameNode(again, '/copy/a', '/copy/e/b', '/outside'));
    assert.equal((await again.lookup(at('/outside')))?.nlink, 3);
    const last = await reopened(again, store);
    assert.ok(await sameNode(last, '/copy/a', '/copy/e/b', '/outside'));
    assert.ok(!(await sameNode(last, '/copy/a', '/d/a')), 'the copy had the uuid of the original: it got a fresh one');
  });

  it('a rename across the borders of two tables with the same uuids mixes nothing up', async () => {
    const { tree, store } = await linkedTree();
    await tree.copy(at('/d'), at('/one'));
    await tree.copy(at('/d'), at('/two'));
    await tree.write(at('/one/a'), contentOf('one'), {});
    await tree.write(at('/two/a'), contentOf('two'), {});
    const again = await reopened(tree, store);
    await again.rename(at('/one/e'), at('/two/e-of-one'));
    await again.rename(at('/two/a'), at('/one/a-of-two'));
    const last = await reopened(again, store);
    assert.equal(await readText(last, at('/two/e-of-one/b')), 'one');
    assert.ok(await sameNode(last, '/one/a', '/two/e-of-one/b'));
    assert.ok(await sameNode(last, '/one/a-of-two', '/two/e/b'));
    assert.equal(await readText(last, at('/d/a')), 'linked');
  });

  it('a node that moves into a table hides none of the same uuid in a table further out', async () => {
    const { tree, store } = await linkedTree();
    await tree.mkdir(at('/x'), {});
    // Copies of one Dir, the second within the first: their nodes have the same uuid, each in its own table.
    await tree.copy(at('/d'), at('/x/one'));
    await tree.link(at('/x/one/a'), at('/x/one/name'));
    await tree.rename(at('/x/one/e/b'), at('/outside'));
    await tree.write(at('/outside'), contentOf('outer'), {});
    await tree.mkdir(at('/source'), {});
    for (const name of ['a', 'b']) await tree.link(at('/outside'), at(`/source/${name}`));
    await tree.copy(at('/source'), at('/x/one/two'));
    await tree.write(at('/x/one/two/a'), contentOf('inner'), {});
    await tree.rename(at('/x/one/two/a'), at('/x/one/moved'));
    for (const one of [tree, await reopened(tree, store)]) {
      assert.equal(await readText(one, at('/x/one/a')), 'outer');
      assert.ok(await sameNode(one, '/x/one/a', '/x/one/name', '/outside'));
      assert.ok(await sameNode(one, '/x/one/moved', '/x/one/two/b'));
      assert.equal(await readText(one, at('/x/one/two/b')), 'inner');
    }
  });

  it('a Dir with links moves within its table at no cost', async () => {
    const { tree, store } = await linkedTree();
    await tree.rename(at('/d/e'), at('/e'));
    await tree.rename(at('/d'), at('/e/d'));
    assert.ok(await sameNode(await reopened(tree, store), '/e/b', '/e/d/a'));
  });

  it('a Dir bound over another takes its names from their nodes', async () => {
    const { tree, store } = await linkedTree();
    await tree.link(at('/d/a'), at('/outside'));
    await tree.bind(at('/d'), { kind: 'file', name: at('d'), meta: {}, block: { kind: 'run', span: 3, octet: 0 } });
    assert.equal((await tree.lookup(at('/outside')))?.nlink, 1);
    await reopened(tree, store);
  });

  it('a name whose node no table has is named, and the rest can be read', async () => {
    const { tree, store } = await linkedTree();
    const { inodes: _inodes, ...rest } = (await tree.sync()) as DirDirent;
    const damaged = openLiveTree(store, rest);
    await assert.rejects(damaged.lookup(at('/d/a')), { code: 'ECORRUPT', message: /"\/d\/a"/ });
    assert.equal(await readText(damaged, at('/d/f')), 'plain');
  });

  it('salt of a Dir salts its inode table as well', async () => {
    const { tree, store } = await linkedTree();
    const plain = (await tree.sync()) as DirDirent;
    await tree.setSalt(at('/'), Buffer.from('12345678'));
    const salted = (await tree.sync()) as DirDirent;
    assert.notDeepEqual(salted.inodes, plain.inodes);
    await checkStored(store, salted);
  });
});

it('hard links of a tree of the Python vt, which counts none, are kept through copies and syncs', async (t) => {
  const folder = join(PROJECT_ROOT, 'test/golden/python-vt/mount');
  const scratch = makeScratch(t);
  const python = await openStore(`datadir:${join(folder, 'store')}`, {
    defaultStorePath: scratch.path('store'),
    cachePath: scratch.path('cache'),
  });
  const last = await openArchiveFile(join(folder, 'rw.vt'), { readOnly: true }).last();
  if (last?.dirent.kind !== 'dir') throw new Error('the archive has no Dir');
  // Its Blocks, in a Store that can be written.
  const store = new MemoryStore({ hashName: 'blake3' });
  const get = store.get.bind(store);
  store.get = async (hashcode, options) => (await get(hashcode, options)) ?? (await python.get(hashcode, options));
  const tree = openLiveTree(store, last.dirent);
  const names = ['hardlink.txt', 'mid.txt'] as const;
  assert.ok(await sameNode(tree, ...names.map((name) => `/sub/${name}`)));
  await tree.copy(at('/sub'), at('/copy'));
  assert.ok(await sameNode(tree, ...names.map((name) => `/copy/${name}`)));
  await tree.rename(at('/sub'), at('/moved'));
  const again = openLiveTree(store, parseDirent(formatDirent(await tree.sync())) as DirDirent);
  assert.deepEqual(await treeLines(again), await treeLines(tree));
  for (const dir of ['/moved', '/copy']) {
    assert.equal((await again.lookup(at(`${dir}/mid.txt`)))?.nlink, 2);
    assert.ok(await sameNode(again, ...names.map((name) => `${dir}/${name}`)));
  }
  await again.remove(at('/copy'), { recursive: true });
  await again.remove(at('/moved/mid.txt'));
  assert.equal((await again.lookup(at('/moved/hardlink.txt')))?.nlink, 1);
  await python[Symbol.asyncDispose]();
});
