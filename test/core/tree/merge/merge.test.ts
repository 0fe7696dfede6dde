import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DirDirent } from '../../../../core/dirent/dirent.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';
import type { LiveTree } from '../../../../core/tree/live/live-tree.ts';
import { openLiveTree } from '../../../../core/tree/live/live-tree.ts';
import { mergeDirents } from '../../../../core/tree/merge/merge.ts';
import type { MergeResult } from '../../../../core/tree/merge/merge-result.ts';
import { mergeTrees } from '../../../../core/tree/merge/merge-trees.ts';
import { theirsName } from '../../../../core/tree/merge/merge-values.ts';
import { checkStored } from '../../../support/trees/check-stored.ts';
import { at, contentOf, octets, readText, treeLines } from '../../../support/trees/tree-lines.ts';

const NOW = new Date('2026-11-22T16:17:01.500Z');
const STAMP = '20261122T161701Z';

async function startTree(store: MemoryStore): Promise<DirDirent> {
  const tree = openLiveTree(store, undefined);
  for (const path of ['/d', '/d/e', '/gone', '/x']) await tree.mkdir(at(path), { mode: 0o755 });
  for (const path of ['/d/f', '/d/e/g', '/gone/h', '/both', '/x/y'])
    await tree.write(at(path), contentOf(`first ${path}`), { mode: 0o644 });
  await tree.link(at('/d/f'), at('/linked'));
  return (await tree.sync()) as DirDirent;
}

/** Merges what two sessions made of one start. */
async function merged(
  ours: (tree: LiveTree) => Promise<unknown>,
  theirs: (tree: LiveTree) => Promise<unknown>,
  merge: typeof mergeDirents | typeof mergeTrees = mergeDirents,
): Promise<{ tree: LiveTree; result: MergeResult; store: MemoryStore }> {
  const store = new MemoryStore();
  const base = await startTree(store);
  const sides: DirDirent[] = [];
  for (const change of [ours, theirs]) {
    const tree = openLiveTree(store, base);
    await change(tree);
    sides.push((await tree.sync()) as DirDirent);
  }
  const [mine = base, other = base] = sides;
  const result = await merge(store, base, mine, other, { now: NOW });
  await checkStored(store, result.dirent);
  return { tree: openLiveTree(store, result.dirent), result, store };
}

describe('a merge of two sessions', () => {
  it('takes the changes of both', async () => {
    const { tree, result } = await merged(
      async (ours) => {
        await ours.write(at('/d/e/g'), contentOf('ours'), {});
        await ours.write(at('/d/e/new'), contentOf('ours too'), {});
        await ours.remove(at('/gone'), { recursive: true });
        await ours.setMeta(at('/both'), { mode: 0o600 });
      },
      async (theirs) => {
        await theirs.write(at('/both'), contentOf('theirs'), {});
        await theirs.rename(at('/x/y'), at('/d/e/y'));
        await theirs.setMeta(at('/d'), { mode: 0o700 });
      },
    );
    assert.deepEqual(result.conflicts, []);
    assert.equal(await readText(tree, at('/d/e/g')), 'ours');
    assert.equal(await readText(tree, at('/d/e/new')), 'ours too');
    assert.equal(await readText(tree, at('/d/e/y')), 'first /x/y');
    assert.equal(await tree.lookup(at('/x/y')), undefined);
    assert.equal(await tree.lookup(at('/gone')), undefined);
    assert.equal(await readText(tree, at('/both')), 'theirs');
    assert.equal((await tree.lookup(at('/both')))?.dirent.meta.mode, 0o600);
    assert.equal((await tree.lookup(at('/d')))?.dirent.meta.mode, 0o700);
  });

  it('keeps theirs beside ours where both changed one thing', async () => {
    const { tree, result } = await merged(
      async (ours) => {
        await ours.write(at('/both'), contentOf('ours'), {});
        await ours.write(at('/new'), contentOf('ours'), {});
      },
      async (theirs) => {
        await theirs.write(at('/both'), contentOf('theirs'), {});
        await theirs.mkdir(at('/new'), {});
        await theirs.write(at('/new/in'), contentOf('theirs'), {});
      },
    );
    assert.deepEqual(result.conflicts, [
      { path: '/both', kind: 'both-changed', theirsAt: `/both.theirs-${STAMP}` },
      { path: '/new', kind: 'both-changed', theirsAt: `/new.theirs-${STAMP}` },
    ]);
    assert.equal(await readText(tree, at('/both')), 'ours');
    assert.equal(await readText(tree, at(`/both.theirs-${STAMP}`)), 'theirs');
    assert.equal(await readText(tree, at('/new')), 'ours');
    assert.equal(await readText(tree, at(`/new.theirs-${STAMP}/in`)), 'theirs');
  });

  it('keeps a change against a removal, and says so', async () => {
    const { tree, result } = await merged(
      async (ours) => {
        await ours.remove(at('/gone'), { recursive: true });
        await ours.write(at('/x/y'), contentOf('ours'), {});
      },
      async (theirs) => {
        await theirs.write(at('/gone/h'), contentOf('theirs'), {});
        await theirs.remove(at('/x'), { recursive: true });
      },
    );
    assert.deepEqual(result.conflicts, [
      { path: '/gone/h', kind: 'removed-by-us' },
      { path: '/x/y', kind: 'removed-by-them' },
    ]);
    assert.equal(await readText(tree, at('/gone/h')), 'theirs');
    assert.equal(await readText(tree, at('/x/y')), 'ours');
  });

  it('merges hard links: names of both sides, content of the side that changed it', async () => {
    const { tree, result } = await merged(
      async (ours) => {
        await ours.link(at('/linked'), at('/x/third'));
        await ours.remove(at('/d/f'));
      },
      async (theirs) => {
        await theirs.write(at('/d/f'), contentOf('theirs'), {});
        await theirs.link(at('/linked'), at('/fourth'));
        await theirs.link(at('/both'), at('/both2'));
      },
    );
    assert.deepEqual(result.conflicts, []);
    const entry = await tree.lookup(at('/linked'));
    assert.equal(entry?.nlink, 3);
    for (const path of ['/x/third', '/fourth']) assert.equal((await tree.lookup(at(path)))?.id, entry.id);
    assert.equal(await readText(tree, at('/fourth')), 'theirs');
    assert.equal((await tree.lookup(at('/both2')))?.nlink, 2);
  });

  it('merges a new Dir of hard links beside names that are gone', async () => {
    const { tree, result } = await merged(
      async (ours) => {
        await ours.mkdir(at('/fresh'), {});
        await ours.link(at('/linked'), at('/fresh/third'));
        await ours.rename(at('/both'), at('/fresh/both'));
        await ours.link(at('/fresh/both'), at('/fresh/both2'));
      },
      async (theirs) => {
        await theirs.write(at('/d/f'), contentOf('theirs'), {});
        await theirs.mkdir(at('/other'), {});
      },
      mergeTrees,
    );
    assert.deepEqual(result.conflicts, []);
    assert.equal(await readText(tree, at('/fresh/third')), 'theirs');
    assert.equal((await tree.lookup(at('/fresh/third')))?.nlink, 3);
    assert.equal((await tree.lookup(at('/fresh/both2')))?.nlink, 2);
  });

  it('keeps their content of a hard-linked file that both changed, once, beside a name of it', async () => {
    const { tree, result } = await merged(
      (ours) => ours.write(at('/linked'), contentOf('ours'), {}),
      (theirs) => theirs.write(at('/d/f'), contentOf('theirs'), {}),
    );
    assert.deepEqual(result.conflicts, [{ path: '/d/f', kind: 'both-changed', theirsAt: `/d/f.theirs-${STAMP}` }]);
    assert.equal(await readText(tree, at('/linked')), 'ours');
    assert.equal(await readText(tree, at('/d/f')), 'ours');
    assert.equal(await readText(tree, at(`/d/f.theirs-${STAMP}`)), 'theirs');
    assert.equal((await tree.lookup(at(`/d/f.theirs-${STAMP}`)))?.nlink, 1);
  });

  it('never shows a file of a copy, which one side put in the place of a Dir, under names of the original', async () => {
    const store = new MemoryStore();
    const first = openLiveTree(store, await startTree(store));
    await first.link(at('/linked'), at('/d/again'));
    const base = (await first.sync()) as DirDirent;
    const ours = openLiveTree(store, base);
    await ours.copy(at('/d'), at('/copy'));
    await ours.remove(at('/d'), { recursive: true });
    await ours.rename(at('/copy'), at('/d'));
    await ours.write(at('/d/f'), contentOf('of the copy'), {});
    const theirs = openLiveTree(store, base);
    await theirs.link(at('/linked'), at('/d/third'));
    const result = await mergeDirents(store, base, (await ours.sync()) as DirDirent, (await theirs.sync()) as DirDirent, { now: NOW });
    const tree = openLiveTree(store, result.dirent);
    const theirsAt = `/d.theirs-${STAMP}`;
    assert.deepEqual(result.conflicts, [{ path: '/d', kind: 'both-changed', theirsAt }]);
    assert.equal(await readText(tree, at('/d/again')), 'of the copy');
    assert.equal(await tree.lookup(at('/d/third')), undefined);
    assert.equal(await readText(tree, at(`${theirsAt}/third`)), 'first /d/f');
    const entry = await tree.lookup(at('/linked'));
    assert.equal(entry?.nlink, 4);
    for (const path of [`${theirsAt}/third`, `${theirsAt}/f`]) assert.equal((await tree.lookup(at(path)))?.id, entry.id);
  });

  it('never takes a node of a copy for the original that one side left with one name', async () => {
    const store = new MemoryStore();
    const first = openLiveTree(store, undefined);
    for (const dir of ['/a', '/b']) await first.mkdir(at(dir), {});
    await first.write(at('/a/one'), contentOf('first'), {});
    await first.link(at('/a/one'), at('/a/two'));
    await first.copy(at('/a'), at('/b/copy'));
    // The original's node goes to the table of the root, the copy keeps its own.
    await first.link(at('/a/one'), at('/b/one'));
    const base = (await first.sync()) as DirDirent;
    const ours = openLiveTree(store, base);
    await ours.write(at('/a/one'), contentOf('ours'), {});
    await ours.rename(at('/b/copy/two'), at('/a/of-the-copy'));
    const theirs = openLiveTree(store, base);
    await theirs.remove(at('/a'), { recursive: true });
    await theirs.write(at('/b/copy/one'), contentOf('theirs'), {});
    const choose = (): 'theirs' => 'theirs';
    const sides = [(await ours.sync()) as DirDirent, (await theirs.sync()) as DirDirent] as const;
    const result = await mergeTrees(store, base, ...sides, { now: NOW, choose });
    await checkStored(store, result.dirent);
    const lines = await treeLines(openLiveTree(store, result.dirent));
    const original = lines.find((line) => line.includes(' /b/one '));
    assert.match(original ?? '', /"ours"/, lines.join('\n'));
    assert.ok(
      lines.some((line) => line.includes('"theirs"')),
      lines.join('\n'),
    );
  });

  it('takes a file that one side left with one name for the node that it was', async () => {
    const { tree, result } = await merged(
      (ours) => ours.remove(at('/linked')),
      async (theirs) => {
        await theirs.write(at('/linked'), contentOf('by the other name'), {});
        await theirs.link(at('/linked'), at('/d/third'));
      },
    );
    assert.deepEqual(result.conflicts, []);
    assert.equal(await readText(tree, at('/d/f')), 'by the other name');
    assert.equal((await tree.lookup(at('/d/f')))?.nlink, 2);
    assert.equal(await tree.lookup(at('/linked')), undefined);
  });

  it('is no conflict where both sides left a node with the same name, and one changed it', async () => {
    const { tree, result } = await merged(
      (ours) => ours.remove(at('/linked')),
      async (theirs) => {
        await theirs.remove(at('/linked'));
        await theirs.write(at('/d/f'), contentOf('changed'), {});
      },
    );
    assert.deepEqual(result.conflicts, []);
    assert.equal(await readText(tree, at('/d/f')), 'changed');
    assert.equal(result.dirent.inodes, undefined);
  });

  it('merges the tables of Dirs within, also where one side moved a node outwards', async () => {
    const store = new MemoryStore();
    const first = openLiveTree(store, await startTree(store));
    await first.mkdir(at('/d/z'), {});
    await first.link(at('/d/f'), at('/d/z/f'));
    await first.copy(at('/d'), at('/copy'));
    const base = (await first.sync()) as DirDirent;
    const ours = openLiveTree(store, base);
    await ours.link(at('/copy/f'), at('/out'));
    const theirs = openLiveTree(store, base);
    await theirs.write(at('/copy/e/g'), contentOf('theirs'), {});
    const result = await mergeDirents(store, base, (await ours.sync()) as DirDirent, (await theirs.sync()) as DirDirent, { now: NOW });
    await checkStored(store, result.dirent);
    const tree = openLiveTree(store, result.dirent);
    assert.deepEqual(result.conflicts, []);
    assert.equal((await tree.lookup(at('/out')))?.nlink, 3);
    assert.equal(await readText(tree, at('/copy/e/g')), 'theirs');
  });

  it('of equal sides, or where one side did nothing, gives the other and reads nothing', async () => {
    const store = new MemoryStore();
    const base = await startTree(store);
    const tree = openLiveTree(store, base);
    await tree.mkdir(at('/new'), {});
    const ours = (await tree.sync()) as DirDirent;
    const before = await treeLines(tree);
    for (const [mine, other] of [
      [ours, ours],
      [ours, base],
      [base, ours],
    ] as const) {
      const result = await mergeDirents(store, base, mine, other, { now: NOW });
      assert.deepEqual(result.conflicts, []);
      assert.deepEqual(await treeLines(openLiveTree(store, result.dirent)), before);
    }
  });

  it('without a common past, joins two trees', async () => {
    const store = new MemoryStore();
    const [one, two] = [openLiveTree(store, undefined), openLiveTree(store, undefined)];
    for (const [tree, name] of [
      [one, 'one'],
      [two, 'two'],
    ] as const) {
      await tree.write(at(`/${name}`), contentOf(name), {});
      await tree.write(at('/same'), contentOf('same'), {});
      await tree.write(at('/other'), contentOf(name), {});
    }
    const result = await mergeDirents(store, undefined, (await one.sync()) as DirDirent, (await two.sync()) as DirDirent, { now: NOW });
    assert.deepEqual(
      result.conflicts.map(({ path }) => path),
      ['/other'],
    );
    const names: string[] = [];
    for await (const entry of openLiveTree(store, result.dirent).list(at('/'))) names.push(entry.name);
    assert.deepEqual(names, ['one', 'other', `other.theirs-${STAMP}`, 'same', 'two']);
  });

  it('goes 1,000 Dirs deep', async () => {
    const store = new MemoryStore();
    const first = openLiveTree(store, undefined);
    let path = '';
    for (let i = 0; i < 1000; i++) {
      path += '/d';
      await first.mkdir(at(path), {});
    }
    const base = (await first.sync()) as DirDirent;
    const sides: DirDirent[] = [];
    for (const name of ['ours', 'theirs']) {
      const tree = openLiveTree(store, base);
      await tree.write(at(`${path}/${name}`), contentOf(name), {});
      sides.push((await tree.sync()) as DirDirent);
    }
    const [ours = base, theirs = base] = sides;
    const { dirent, conflicts } = await mergeDirents(store, base, ours, theirs, { now: NOW });
    const tree = openLiveTree(store, dirent);
    assert.deepEqual(
      [conflicts.length, await readText(tree, at(`${path}/ours`)), await readText(tree, at(`${path}/theirs`))],
      [0, 'ours', 'theirs'],
    );
  });

  it('gives theirs a name that nothing has, of at most 255 octets', () => {
    const taken = new Set([`a.theirs-${STAMP}`, `a.theirs-${STAMP}-2`]);
    assert.equal(
      theirsName(octets('a'), NOW, (name) => taken.has(name)),
      `a.theirs-${STAMP}-3`,
    );
    assert.equal(theirsName(octets('n'.repeat(255)), NOW, () => false).length, 255);
  });
});

it('a merge keeps a hard-linked file that one side changed and the other removed under all its names', async () => {
  const { tree, result } = await merged(
    async (ours) => {
      await ours.remove(at('/d'), { recursive: true });
      await ours.remove(at('/linked'));
    },
    (theirs) => theirs.write(at('/d/f'), contentOf('theirs'), {}),
  );
  const kept = result.conflicts.find(({ kind }) => kind === 'removed-by-us')?.theirsAt;
  if (kept === undefined) throw new Error('no conflict says where it is kept');
  assert.equal(await readText(tree, kept), 'theirs');
  assert.equal(await tree.lookup(at('/linked')), undefined);
});

for (const target of ['/x', '/d/e']) {
  it(`follows no rename through a symlink in its way: to ${target}`, async () => {
    const { tree } = await merged(
      async (ours) => await ours.rename(at('/both'), at('/d/e/both')),
      async (theirs) => {
        await theirs.remove(at('/d/e'), { recursive: true });
        await theirs.symlink(at('/d/e'), octets(target), {});
        await theirs.write(at('/both'), contentOf('theirs'), {});
      },
      mergeTrees,
    );
    const lines = await treeLines(tree);
    assert.equal(await tree.lookup(at('/x/both')), undefined, lines.join('\n'));
    assert.ok(
      lines.some((line) => line.includes('theirs')),
      lines.join('\n'),
    );
  });
}
