import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PathError } from '../../../../core/base/errors.ts';
import type { Octets } from '../../../../core/base/octets.ts';
import { octetsFromText } from '../../../../core/base/octets.ts';
import type { Block } from '../../../../core/block/block.ts';
import { leafBlock, PendingBlocks } from '../../../../core/block/block-sink.ts';
import type { DirDirent, Dirent } from '../../../../core/dirent/dirent.ts';
import { NameFilter } from '../../../../core/filter/name-filter.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';
import type { UnsyncedContent } from '../../../../core/tree/live/live-node.ts';
import type { LiveTree } from '../../../../core/tree/live/live-tree.ts';
import { openLiveTree } from '../../../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../../../core/tree/path.ts';
import { makeRandom } from '../../../support/random.ts';
import { checkStored } from '../../../support/trees/check-stored.ts';

function path(text: string): TreePath {
  return octetsFromText(text) as TreePath;
}

function rules(...patterns: readonly string[]): NameFilter {
  return new NameFilter(
    patterns.map((value) => ({ kind: 'filter', value: value as Octets })),
    { read: () => undefined },
  );
}

async function* octets(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** A content that counts how often it is stored. */
class Front implements UnsyncedContent {
  readonly #store: MemoryStore;
  readonly #text: string;
  settled = 0;

  constructor(store: MemoryStore, text: string) {
    this.#store = store;
    this.#text = text;
  }

  get size(): number {
    return this.#text.length;
  }

  get isSettled(): boolean {
    return this.settled > 0;
  }

  read(): AsyncIterable<Uint8Array> {
    return octets(this.#text);
  }

  async settle(): Promise<Block> {
    this.settled++;
    const pending = new PendingBlocks(this.#store.hashName);
    const block = leafBlock(pending, Buffer.from(this.#text));
    await pending.flushTo(this.#store);
    return block;
  }
}

/** Every path of a tree, with a slash at the end of Dirs, and the number of links where it is not 1. */
async function paths(tree: LiveTree, top = '/'): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of tree.list(path(top))) {
    const isDir = entry.dirent.kind === 'dir';
    found.push(`${entry.path}${isDir ? '/' : ''}${entry.nlink === 1 ? '' : ` x${entry.nlink}`}`);
    if (isDir) found.push(...(await paths(tree, entry.path)));
  }
  return found;
}

async function storedPaths(store: MemoryStore, root: Dirent): Promise<string[]> {
  assert.ok(root.kind === 'dir');
  await checkStored(store, root);
  await using tree = openLiveTree(store, root);
  return await paths(tree);
}

async function synced(tree: LiveTree): Promise<DirDirent> {
  const root = await tree.sync();
  assert.ok(root.kind === 'dir');
  return root;
}

test('excluded names live in a tree and are never stored, their content neither', async () => {
  await using store = new MemoryStore();
  await using tree = openLiveTree(store, undefined);
  tree.leaveOut(rules('- *.o', '- build/'), undefined);
  await tree.mkdir(path('/build'), {});
  await tree.mkdir(path('/src'), {});
  const fronts = new Map(['/a.c', '/a.o', '/src/b.c', '/src/b.o', '/build/out'].map((at) => [at, new Front(store, at.repeat(20))]));
  for (const [at, front] of fronts) await tree.attach(path(at), front, {});
  const all = ['/a.c', '/a.o', '/build/', '/build/out', '/src/', '/src/b.c', '/src/b.o'];
  for (let round = 0; round < 2; round++) {
    const root = await synced(tree);
    assert.deepEqual(await storedPaths(store, root), ['/a.c', '/src/', '/src/b.c']);
    assert.deepEqual(await paths(tree), all);
    assert.ok(tree.isAt(root));
    assert.equal(await tree.countLeftOut(), 4);
  }
  assert.deepEqual(
    [...fronts].filter(([, { settled }]) => settled > 0).map(([at]) => at),
    ['/a.c', '/src/b.c'],
  );
  await tree.mkdir(path('/build/more'), {});
  assert.ok(tree.isAt(await synced(tree)));
  assert.equal(await tree.countLeftOut(), 5);
});

test('a rename across the rule promotes and demotes at the next sync, Dirs with all below', async () => {
  await using store = new MemoryStore();
  await using tree = openLiveTree(store, undefined);
  tree.leaveOut(rules('- *.o', '- build/', '- /only/*.t'), undefined);
  for (const dir of ['/build', '/build/in', '/kept', '/only', '/other']) await tree.mkdir(path(dir), {});
  for (const file of ['/a.o', '/b.c', '/build/in/x', '/kept/y', '/only/z.t', '/other/w.t']) await tree.write(path(file), octets(file), {});
  assert.deepEqual(await storedPaths(store, await synced(tree)), ['/b.c', '/kept/', '/kept/y', '/only/', '/other/', '/other/w.t']);

  await tree.rename(path('/a.o'), path('/a.c'));
  await tree.rename(path('/b.c'), path('/b.o'));
  await tree.rename(path('/build'), path('/built'));
  await tree.rename(path('/kept'), path('/build'));
  // The rule is of a path: what it excluded in there is not excluded any more.
  await tree.rename(path('/only'), path('/free'));
  assert.deepEqual(await storedPaths(store, await synced(tree)), [
    ...['/a.c', '/built/', '/built/in/', '/built/in/x', '/free/', '/free/z.t', '/other/', '/other/w.t'],
  ]);
  const all = [
    ...['/a.c', '/b.o', '/build/', '/build/y', '/built/', '/built/in/', '/built/in/x', '/free/', '/free/z.t', '/other/', '/other/w.t'],
  ];
  assert.deepEqual(await paths(tree), all);
  await tree.rename(path('/build'), path('/kept'));
  await tree.rename(path('/b.o'), path('/b.c'));
  const root = await synced(tree);
  assert.deepEqual(await storedPaths(store, root), (await paths(tree)).sort());
  assert.equal(await tree.countLeftOut(), 0);
});

test('what was stored under an excluded name stays stored until it changes; what is removed is gone', async () => {
  await using store = new MemoryStore();
  await using before = openLiveTree(store, undefined);
  await before.mkdir(path('/build'), {});
  await before.mkdir(path('/cache'), {});
  for (const file of ['/a.o', '/b.o', '/c.o', '/build/x', '/cache/x']) await before.write(path(file), octets(file), {});
  await using tree = openLiveTree(store, await synced(before));
  tree.leaveOut(rules('- *.o', '- build', '- cache'), undefined);
  await tree.write(path('/new'), octets('n'), {});
  await tree.lookup(path('/build/x'));
  assert.deepEqual(await storedPaths(store, await synced(tree)), [
    '/a.o',
    '/b.o',
    '/build/',
    '/build/x',
    '/c.o',
    '/cache/',
    '/cache/x',
    '/new',
  ]);
  await tree.write(path('/a.o'), octets('other'), {});
  await tree.remove(path('/b.o'));
  await tree.write(path('/build/y'), octets('y'), {});
  assert.deepEqual(await storedPaths(store, await synced(tree)), ['/c.o', '/cache/', '/cache/x', '/new']);
  assert.deepEqual(await paths(tree), ['/a.o', '/build/', '/build/x', '/build/y', '/c.o', '/cache/', '/cache/x', '/new']);
  assert.equal(await tree.countLeftOut(), 4);
});

test('of hard links only the names that are stored count', async () => {
  await using store = new MemoryStore();
  await using tree = openLiveTree(store, undefined);
  tree.leaveOut(rules('- *.o', '- build/'), undefined);
  await tree.mkdir(path('/build'), {});
  const [both, none] = [new Front(store, 'both'.repeat(20)), new Front(store, 'none'.repeat(20))];
  await tree.attach(path('/a.c'), both, {});
  await tree.link(path('/a.c'), path('/a.o'));
  await tree.link(path('/a.c'), path('/build/a'));
  await tree.link(path('/a.c'), path('/b.c'));
  await tree.attach(path('/n.o'), none, {});
  await tree.link(path('/n.o'), path('/build/n'));
  for (let round = 0; round < 2; round++) {
    const root = await synced(tree);
    assert.deepEqual(await storedPaths(store, root), ['/a.c x2', '/b.c x2']);
    assert.ok(tree.isAt(root));
  }
  assert.deepEqual([both.settled > 0, none.settled], [true, 0]);
  assert.deepEqual(await paths(tree), ['/a.c x4', '/a.o x4', '/b.c x4', '/build/', '/build/a x4', '/build/n x2', '/n.o x2']);
  await tree.rename(path('/n.o'), path('/n.c'));
  await tree.rename(path('/build'), path('/built'));
  assert.deepEqual(await storedPaths(store, await synced(tree)), [
    '/a.c x3',
    '/b.c x3',
    '/built/',
    '/built/a x3',
    '/built/n x2',
    '/n.c x2',
  ]);
  await tree.rename(path('/built'), path('/build'));
  await tree.rename(path('/b.c'), path('/b.o'));
  assert.deepEqual(await storedPaths(store, await synced(tree)), ['/a.c', '/n.c']);
});

test('rules begin at the top of a mount; outside of it none hold', async () => {
  await using store = new MemoryStore();
  await using tree = openLiveTree(store, undefined);
  for (const dir of ['/top', '/side', '/top/in']) await tree.mkdir(path(dir), {});
  const top = await tree.nodes.child(tree.nodes.root, 'top' as Octets);
  assert.ok(top?.sort === 'dir');
  tree.leaveOut(rules('- /x', '- y'), top);
  for (const file of ['/x', '/y', '/side/y', '/top/x', '/top/y', '/top/in/x', '/top/in/y']) await tree.write(path(file), octets(file), {});
  const stored = ['/side/', '/side/y', '/top/', '/top/in/', '/top/in/x', '/x', '/y'];
  assert.deepEqual(await storedPaths(store, await synced(tree)), stored);
  await tree.rename(path('/top'), path('/side/moved'));
  assert.deepEqual(await storedPaths(store, await synced(tree)), [
    '/side/',
    '/side/moved/',
    '/side/moved/in/',
    '/side/moved/in/x',
    '/side/y',
    '/x',
    '/y',
  ]);
});

test('what others record never takes away, or overwrites, what is nowhere else', async () => {
  await using store = new MemoryStore();
  await using tree = openLiveTree(store, undefined);
  tree.leaveOut(rules('- *.o'), undefined);
  await tree.mkdir(path('/gone'), {});
  await tree.write(path('/gone/kept'), octets('k'), {});
  await tree.write(path('/gone/a.o'), octets('a'), {});
  await tree.write(path('/b.o'), octets('mine'), {});
  const before = await synced(tree);
  await using other = openLiveTree(store, before);
  await other.remove(path('/gone'), { recursive: true });
  await other.write(path('/b.o'), octets('theirs'), {});
  const after = await synced(other);
  const clashes = await tree.adopt(before, after);
  assert.deepEqual(
    clashes.map((clash) => [clash.path, clash.theirsAt]),
    [
      ['/b.o', '/b.o.theirs'],
      ['/gone', undefined],
    ],
  );
  assert.deepEqual(await paths(tree), ['/b.o', '/b.o.theirs', '/gone/', '/gone/a.o', '/gone/kept']);
});

test('a large Dir with few changes leaves the same out as a small one', async () => {
  await using store = new MemoryStore();
  await using tree = openLiveTree(store, undefined);
  for (let i = 0; i < 3000; i++) await tree.write(path(`/f${i}`), octets(`${i}`), {});
  await tree.sync();
  tree.leaveOut(rules('- *.o'), undefined);
  await tree.write(path('/new.o'), octets('o'), {});
  await tree.write(path('/new.c'), octets('c'), {});
  await tree.rename(path('/f7'), path('/f7.o'));
  const stored = await storedPaths(store, await synced(tree));
  assert.equal(stored.length, 3000);
  assert.ok(!stored.includes('/new.o') && !stored.includes('/f7') && !stored.includes('/f7.o') && stored.includes('/new.c'));
  assert.equal((await paths(tree)).length, 3002);
});

/** What is to be stored of a tree by rules of names alone. */
async function expected(tree: LiveTree): Promise<string[]> {
  const found: { readonly at: string; readonly id: number; readonly isDir: boolean }[] = [];
  const ahead = ['/'];
  for (let top = ahead.pop(); top !== undefined; top = ahead.pop()) {
    for await (const { path: at, name, dirent, id } of tree.list(path(top))) {
      if (name.endsWith('.o') || (name === 'build' && dirent.kind === 'dir')) continue;
      found.push({ at, id, isDir: dirent.kind === 'dir' });
      if (dirent.kind === 'dir') ahead.push(at);
    }
  }
  return found
    .map(({ at, id, isDir }) => {
      const nlink = found.filter((other) => other.id === id).length;
      return `${at}${isDir ? '/' : ''}${nlink === 1 ? '' : ` x${nlink}`}`;
    })
    .sort();
}

test('names of hard links that are left out go with the Dir that they stand in', async () => {
  await using store = new MemoryStore();
  await using tree = openLiveTree(store, undefined);
  tree.leaveOut(rules('- *.o', '- build/'), undefined);
  for (const dir of ['/b', '/b/c', '/out.o']) await tree.mkdir(path(dir), {});
  await tree.attach(path('/out.o/f'), new Front(store, 'some octets'), {});
  await tree.link(path('/out.o/f'), path('/b/c/f.o'));
  await tree.link(path('/out.o/f'), path('/stays'));
  await synced(tree);
  await tree.remove(path('/b'), { recursive: true });
  const root = await synced(tree);
  assert.deepEqual(await paths(tree), ['/out.o/', '/out.o/f x2', '/stays x2']);
  assert.deepEqual(await storedPaths(store, root), ['/stays']);
});

test('after any changes what is stored is what the rules leave of the tree, and the tree is as it was', async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  t.diagnostic(`seed ${seed}`);
  const random = makeRandom(seed);
  for (let round = 0; round < 30; round++) {
    await using store = new MemoryStore();
    await using tree = openLiveTree(store, undefined);
    tree.leaveOut(rules('- *.o', '- build/'), undefined);
    const steps: string[] = [];
    for (let step = 0; step < 60; step++) {
      const dirs = ['/', ...(await paths(tree)).filter((at) => at.endsWith('/'))];
      const names = (await paths(tree)).map((at) => at.replace(/ x\d+$/, '').replace(/\/$/, ''));
      const some = (): string => names[random.below(names.length)] ?? '/none';
      const fresh = (): string => `${dirs[random.below(dirs.length)] ?? '/'}${random.pick(['a', 'b', 'a.o', 'b.o', 'build', 'c'])}`;
      const doing = random.pick(['mkdir', 'write', 'write', 'rename', 'rename', 'rename', 'link', 'remove', 'lookup', 'sync'] as const);
      const [from, to] = [some(), fresh()];
      steps.push(`${doing} ${from} ${to}`);
      try {
        if (doing === 'mkdir') await tree.mkdir(path(to), {});
        else if (doing === 'write') await tree.attach(path(to), new Front(store, `${step}`.repeat(30)), {});
        else if (doing === 'rename') await tree.rename(path(from), path(to));
        else if (doing === 'link') await tree.link(path(from), path(to));
        else if (doing === 'remove') await tree.remove(path(from), { recursive: random.chance(50) });
        else if (doing === 'lookup') {
          const node = await tree.nodes.child(tree.nodes.root, from.split('/')[1] as Octets);
          if (node !== undefined) tree.nodes.release(node);
        } else {
          const before = await paths(tree);
          const root = await synced(tree);
          assert.deepEqual((await storedPaths(store, root)).sort(), await expected(tree), JSON.stringify({ seed, round, steps }));
          assert.deepEqual(await paths(tree), before, JSON.stringify({ seed, round, steps }));
        }
      } catch (error) {
        // Names that are taken, Dirs in themselves and the like.
        if (!(error instanceof PathError)) throw error;
      }
    }
  }
});
