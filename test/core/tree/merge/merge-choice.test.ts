import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Octets } from '../../../../core/base/octets.ts';
import type { DirDirent } from '../../../../core/dirent/dirent.ts';
import { meet } from '../../../../core/history/merge-base.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';
import { openLiveTree } from '../../../../core/tree/live/live-tree.ts';
import { mergeDirents } from '../../../../core/tree/merge/merge.ts';
import type { TreePath } from '../../../../core/tree/path.ts';
import { ROOT_PATH } from '../../../../core/tree/path.ts';
import { makeRandom, type Random } from '../../../support/random.ts';

type Contents = ReadonlyMap<string, string>;
const DIRS = ['', '/d', '/d/e'] as const;
const PATHS = DIRS.flatMap((dir) => ['a', 'b', 'c', 'd1'].map((name) => `${dir}/${name}`));

async function treeOf(store: MemoryStore, contents: Contents): Promise<DirDirent> {
  await using tree = openLiveTree(store, undefined);
  for (const dir of DIRS) if (dir !== '') await tree.mkdir(dir as TreePath, { mtimeNs: 1n });
  for (const [path, text] of contents) {
    const data = Buffer.from(text);
    await tree.bind(path as TreePath, {
      kind: 'file',
      name: '' as Octets,
      meta: { mtimeNs: BigInt(text.length) },
      block: { kind: 'literal', span: data.length, data },
    });
  }
  const root = await tree.sync({});
  assert.ok(root.kind === 'dir');
  return root;
}

async function contentsOf(store: MemoryStore, root: DirDirent): Promise<Map<string, string>> {
  await using tree = openLiveTree(store, root);
  const found = new Map<string, string>();
  for (const dir of DIRS) {
    for await (const { name, dirent } of tree.list((dir === '' ? '/' : dir) as TreePath))
      if (dirent.kind === 'file' && dirent.block.kind === 'literal') found.set(`${dir}/${name}`, Buffer.from(dirent.block.data).toString());
  }
  return found;
}

function edited(base: Contents, random: Random): Contents {
  const out = new Map(base);
  for (const path of PATHS) {
    if (random.chance(60)) continue;
    if (random.chance(40)) out.delete(path);
    else out.set(path, 'x'.repeat(1 + random.below(4)));
  }
  return out;
}

for (const policy of ['ours', 'theirs', 'both', 'newer'] as const) {
  it(`of 200 random trees changed on both sides each path is as a plain map has it, conflicts: ${policy}`, async () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = makeRandom(500 + seed);
      const store = new MemoryStore();
      const base = edited(new Map(), random);
      const [ours, theirs] = [edited(base, random), edited(base, random)];
      const wanted = new Map<string, string>();
      const conflicts: string[] = [];
      const kept: string[] = [];
      for (const path of PATHS) {
        const [b, o, t] = [base.get(path), ours.get(path), theirs.get(path)];
        const isConflict = o !== t && o !== b && t !== b;
        if (isConflict) conflicts.push(path);
        let result = t === b ? o : t;
        if (o === t) result = o;
        if (isConflict) {
          if (policy === 'ours') result = o;
          else if (policy === 'theirs') result = t;
          else if (policy === 'both' || o === undefined || t === undefined) result = o ?? t;
          else result = t.length > o.length ? t : o;
          if (policy === 'both' && o !== undefined && t !== undefined) kept.push(t);
        }
        if (result !== undefined) wanted.set(path, result);
      }
      const merged = await mergeDirents(store, await treeOf(store, base), await treeOf(store, ours), await treeOf(store, theirs), {
        now: new Date('2026-01-01T00:00:00Z'),
        choose: ({ ours: mine, theirs: other }) => {
          if (policy !== 'newer') return policy;
          if (mine === undefined || other === undefined) return 'both';
          return (other.meta.mtimeNs ?? 0n) > (mine.meta.mtimeNs ?? 0n) ? 'theirs' : 'ours';
        },
      });
      const found = await contentsOf(store, merged.dirent);
      const beside = [...found].filter(([path]) => path.includes('.theirs-'));
      for (const [path] of beside) found.delete(path);
      assert.deepEqual(new Map([...found].sort()), new Map([...wanted].sort()), `seed ${seed}`);
      assert.deepEqual(merged.conflicts.map(({ path }) => path).sort(), conflicts.sort(), `seed ${seed}`);
      assert.deepEqual(beside.map(([, text]) => text).sort(), kept.sort(), `seed ${seed}`);
    }
  });
}

it('the newest state that two histories share is what both are compared with', async () => {
  const store = new MemoryStore();
  const states = await Promise.all(['1', '2', '3', '4'].map(async (text) => await treeOf(store, new Map([['/a', text]]))));
  const [one, two, three, four] = states as [DirDirent, DirDirent, DirDirent, DirDirent];
  const side = (start: bigint, ...dirs: [DirDirent, ...DirDirent[]]) => ({
    dirent: dirs.at(-1) ?? dirs[0],
    lines: dirs.map((dirent, i) => ({ whenNs: start + BigInt(i), dirent })),
    isRecorded: true,
  });
  const options = {
    path: ROOT_PATH,
    oursAt: async (root: DirDirent) => await Promise.resolve(root),
    bring: async () => await Promise.resolve(true),
    now: new Date(0),
  };
  // By what they are, since no state of one is one of the other.
  assert.equal((await meet(store, side(1n, one, two, three), side(11n, one, two, four), options)).base, two);
  assert.equal((await meet(store, side(1n, three), side(11n, four), options)).base, undefined);
  // By which state it is: that `one` was there again afterwards is a change.
  assert.equal((await meet(store, side(1n, one, two, one), side(1n, one, two, four), options)).base, two);
  assert.equal((await meet(store, side(1n, one, two), side(1n, one, two, four), options)).relation, 'behind');
  assert.equal((await meet(store, side(1n, one, two, three), side(1n, one, two), options)).relation, 'ahead');
});
