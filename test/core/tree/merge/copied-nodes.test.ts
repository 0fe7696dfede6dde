import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DirDirent } from '../../../../core/dirent/dirent.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';
import type { LiveTree } from '../../../../core/tree/live/live-tree.ts';
import { openLiveTree } from '../../../../core/tree/live/live-tree.ts';
import type { Chosen } from '../../../../core/tree/merge/merge-result.ts';
import { mergeTrees } from '../../../../core/tree/merge/merge-trees.ts';
import type { TreePath } from '../../../../core/tree/path.ts';

type Change = (tree: LiveTree) => Promise<void>;

const path = (text: string): TreePath => text as TreePath;

async function* content(text: string): AsyncGenerator<Buffer> {
  await Promise.resolve();
  yield Buffer.from(text);
}

const write =
  (name: string, text: string): Change =>
  async (tree) =>
    await tree.write(path(name), content(text), {});
const remove =
  (name: string): Change =>
  async (tree) =>
    await tree.remove(path(name), { recursive: true });
const link =
  (from: string, to: string): Change =>
  async (tree) =>
    await tree.link(path(from), path(to));
const move =
  (from: string, to: string): Change =>
  async (tree) =>
    await tree.rename(path(from), path(to));

async function textAt(tree: LiveTree, name: TreePath): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of tree.read(name)) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString();
}

/** Merges two states of `/a`, which has a file of two names, and of its copy by reference, `/b/copy`. */
async function merged(ours: readonly Change[], theirs: readonly Change[], took: Chosen = 'both') {
  const store = new MemoryStore();
  const start = openLiveTree(store, undefined);
  for (const dir of ['/a', '/b']) await start.mkdir(path(dir), {});
  await write('/a/one', 'first')(start);
  await start.link(path('/a/one'), path('/a/two'));
  await start.copy(path('/a'), path('/b/copy'));
  const base = await start.sync();
  assert.ok(base.kind === 'dir');
  const changed = async (changes: readonly Change[]): Promise<DirDirent> => {
    const tree = openLiveTree(store, base);
    for (const change of changes) await change(tree);
    const root = await tree.sync();
    assert.ok(root.kind === 'dir');
    return root;
  };
  const [one, two] = [await changed(ours), await changed(theirs)];
  const { dirent, conflicts } = await mergeTrees(store, base, one, two, { now: new Date(0), choose: () => took });
  const tree = openLiveTree(store, dirent);
  const texts = new Map<string, string>();
  for (const ahead = [path('/')]; ahead.length > 0; )
    for await (const entry of tree.list(ahead.pop() ?? assert.fail())) {
      if (entry.dirent.kind === 'dir') ahead.push(entry.path);
      else texts.set(entry.path, await textAt(tree, entry.path));
    }
  return { texts, conflicts };
}

const gone = remove('/a');
const outward: readonly (readonly [string, Change])[] = [
  ['a link to the outside', link('/b/copy/one', '/x')],
  ['a move to the outside', move('/b/copy/one', '/x')],
];

for (const [says, out] of outward) {
  for (const isOurs of [true, false]) {
    test(`${says} of a copy whose original is gone does not give the copy what was written to the original: ${isOurs ? 'ours' : 'theirs'}`, async () => {
      const sides = [[gone, out], [write('/a/one', 'written')]] as const;
      const { texts, conflicts } = isOurs ? await merged(sides[0], sides[1]) : await merged(sides[1], sides[0]);
      assert.equal(texts.get('/x'), 'first');
      assert.equal(texts.get('/b/copy/two'), 'first');
      assert.ok([...texts.values()].includes('written'), 'what was written is kept');
      assert.ok(conflicts.length > 0, 'and told');
    });
  }

  test(`${says} of a copy: what was written to both is kept, whichever side a conflict takes`, async () => {
    for (const took of ['both', 'ours', 'theirs'] as const) {
      const { texts } = await merged([gone, out, write('/x', 'ours')], [write('/a/one', 'theirs')], took);
      assert.equal(texts.get('/x'), 'ours', took);
    }
  });
}

test('a link to the outside of a Dir that has a copy merges with what the other side wrote to its file', async () => {
  const { texts, conflicts } = await merged([link('/a/one', '/x')], [write('/a/one', 'written')]);
  assert.deepEqual(conflicts, []);
  for (const name of ['/a/one', '/a/two', '/x']) assert.equal(texts.get(name), 'written', name);
  for (const name of ['/b/copy/one', '/b/copy/two']) assert.equal(texts.get(name), 'first', name);
});

test('so it does where the copy is gone', async () => {
  const { texts, conflicts } = await merged([remove('/b/copy'), link('/a/one', '/x')], [write('/a/one', 'written')]);
  assert.deepEqual(conflicts, []);
  for (const name of ['/a/one', '/a/two', '/x']) assert.equal(texts.get(name), 'written', name);
});
