import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DirDirent } from '../../../../core/dirent/dirent.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';
import { openLiveTree } from '../../../../core/tree/live/live-tree.ts';
import type { MergeConflict } from '../../../../core/tree/merge/merge-result.ts';
import { withWrittenContents } from '../../../../core/tree/merge/written-contents.ts';
import type { TreePath } from '../../../../core/tree/path.ts';
import { mergesTorture } from '../../../slow/histories/merges.ts';
import { checkStored } from '../../../support/trees/check-stored.ts';

const NOW = { now: new Date(0) };
const STAMP = 'theirs-19700101T000000Z';

type Files = Readonly<Record<string, string>>;

async function treeOf(store: MemoryStore, files: Files): Promise<DirDirent> {
  const tree = openLiveTree(store, undefined);
  for (const [path, text] of Object.entries(files)) {
    const dir = path.slice(0, path.lastIndexOf('/')) as TreePath;
    if (dir !== '' && (await tree.lookup(dir)) === undefined) await tree.mkdir(dir, { mtimeNs: 5n });
    await tree.write(path as TreePath, content(text), {});
    if (dir !== '') await tree.setMeta(dir, { mtimeNs: 5n });
  }
  const dirent = await tree.sync();
  assert.ok(dirent.kind === 'dir');
  return dirent;
}

async function* content(text: string): AsyncGenerator<Buffer> {
  yield await Promise.resolve(Buffer.from(text));
}

async function filesOf(store: MemoryStore, dirent: DirDirent): Promise<Files> {
  const tree = openLiveTree(store, dirent);
  const files: Record<string, string> = {};
  for (const ahead = ['/' as TreePath]; ahead.length > 0; )
    for await (const entry of tree.list(ahead.pop() ?? assert.fail())) {
      if (entry.dirent.kind === 'dir') {
        assert.equal(entry.dirent.meta.mtimeNs, 5n, 'times of Dirs stay');
        ahead.push(entry.path);
        continue;
      }
      const parts: Uint8Array[] = [];
      for await (const part of tree.read(entry.path)) parts.push(Buffer.from(part));
      files[entry.path] = Buffer.concat(parts).toString();
    }
  return files;
}

/** What becomes of a result that a merge might have made. */
async function kept(base: Files, ours: Files, theirs: Files, result: Files, conflicts: readonly MergeConflict[] = []) {
  const store = new MemoryStore();
  const states = { base: await treeOf(store, base), ours: await treeOf(store, ours), theirs: await treeOf(store, theirs) };
  const merged = { dirent: await treeOf(store, result), conflicts, onlyOne: [] };
  const whole = await withWrittenContents(store, states, merged, NOW);
  await checkStored(store, whole.dirent);
  return { merged, whole, files: await filesOf(store, whole.dirent) };
}

test('a merge that has all contents is left as it is', async () => {
  const { merged, whole } = await kept(
    { '/f': 'was' },
    { '/f': 'ours' },
    { '/f': 'was', '/g': 'theirs' },
    { '/f': 'ours', '/g': 'theirs' },
  );
  assert.equal(whole, merged);
});

test('a content that a side wrote and a merge lost is put beside its name, and reported', async () => {
  const { whole, files } = await kept(
    { '/d/f': 'was' },
    { '/d/f': 'was', '/d/mine': 'ours' },
    { '/d/f': 'theirs' },
    { '/d/f': 'was', [`/d/f.${STAMP}`]: 'was' },
  );
  assert.deepEqual(files, { '/d/f': 'was', [`/d/f.${STAMP}`]: 'was', [`/d/f.${STAMP}-2`]: 'theirs', [`/d/mine.${STAMP}`]: 'ours' });
  assert.deepEqual(whole.conflicts, [
    { path: '/d/mine', kind: 'removed-by-them', theirsAt: `/d/mine.${STAMP}` },
    { path: '/d/f', kind: 'removed-by-us', theirsAt: `/d/f.${STAMP}-2` },
  ]);
});

test('where its Dir is gone, it is put into the nearest one above', async () => {
  const { files } = await kept({ '/d/f': 'was' }, { '/d/f': 'ours' }, { '/g': 'theirs' }, { '/g': 'theirs' });
  assert.deepEqual(files, { '/g': 'theirs', [`/f.${STAMP}`]: 'ours' });
});

test('a content whose name a conflict gave to the other side is not kept, one beside it is', async () => {
  const given: MergeConflict = { path: '/f' as TreePath, kind: 'both-changed', took: 'ours' };
  const states = [{ '/f': 'was' }, { '/f': 'ours' }, { '/f': 'theirs', '/g': 'more' }, { '/f': 'ours' }] as const;
  const { files } = await kept(...states, [given]);
  assert.deepEqual(files, { '/f': 'ours', [`/g.${STAMP}`]: 'more' });
});

test('a content that the common past has somewhere was written by nobody', async () => {
  const { merged, whole } = await kept({ '/f': 'was' }, { '/f': 'was', '/g': 'was' }, { '/f': 'new' }, { '/f': 'new' });
  assert.equal(whole, merged);
});

// Pairs of random changes of which a merge once lost a content.
for (const seed of [805470817, 807915000])
  test(`the pair of seed ${seed} loses nothing`, async () => {
    const faults: string[] = [];
    await mergesTorture.run({ rounds: 1, maxMs: 60_000, seed, folder: '', onFault: (fault) => faults.push(fault) });
    assert.deepEqual(faults, []);
  });
