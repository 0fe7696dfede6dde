import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compareOctets } from '../../../../core/base/octets.ts';
import type { Block } from '../../../../core/block/block.ts';
import { PendingBlocks } from '../../../../core/block/block-sink.ts';
import type { BlockSource } from '../../../../core/block/block-source.ts';
import { digestHex } from '../../../../core/block/hashcode.ts';
import { blockTreeStats } from '../../../../core/block/tree-stats.ts';
import { storeDir } from '../../../../core/dirent/dir-codec.ts';
import type { DirDirent, Dirent } from '../../../../core/dirent/dirent.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';
import type { Change } from '../../../../core/tree/diff/changes.ts';
import { changesOf } from '../../../../core/tree/diff/changes.ts';
import type { NodeDirent } from '../../../../core/tree/diff/diff.ts';
import { openLiveTree } from '../../../../core/tree/live/live-tree.ts';
import { walkDirent } from '../../../../core/tree/walk.ts';
import { at, contentOf, octets } from '../../../support/trees/tree-lines.ts';
import { operation } from '../../../support/trees/tree-operations.ts';
import { changeSide, startOfSides } from '../../../support/trees/tree-sides.ts';

/** What a path is, without its name: kind, content and metadata. */
function what(dirent: NodeDirent): string {
  const content = dirent.kind === 'file' ? dirent.block : dirent.kind === 'symlink' ? dirent.target : '';
  return JSON.stringify([dirent.kind, content, dirent.meta.mode, dirent.meta.uid]);
}

async function pathsOf(store: MemoryStore, root: DirDirent): Promise<Map<string, string>> {
  const paths = new Map<string, string>();
  for await (const item of walkDirent(store, root))
    if (item.kind === 'enter' || item.kind === 'node') paths.set(item.path, what(item.dirent));
  return paths;
}

/** Does to the paths of one tree what the changes say. */
function apply(before: ReadonlyMap<string, string>, changes: readonly Change[]): Map<string, string> {
  const paths = new Map(before);
  const moved = new Map<string, string>();
  for (const change of changes) {
    if (change.kind !== 'renamed') continue;
    for (const [path, dirent] of before) {
      if (path !== change.from && !path.startsWith(`${change.from}/`)) continue;
      paths.delete(path);
      moved.set(`${change.path}${path.slice(change.from.length)}`, dirent);
    }
    moved.set(change.path, what(change.after));
  }
  for (const change of changes) if (change.kind === 'removed') paths.delete(change.path);
  for (const [path, dirent] of moved) paths.set(path, dirent);
  for (const change of changes) if (change.kind === 'added' || change.kind === 'changed') paths.set(change.path, what(change.after));
  return paths;
}

async function listed(changes: AsyncIterable<Change>): Promise<Change[]> {
  const found: Change[] = [];
  for await (const change of changes) found.push(change);
  return found;
}

function text(change: Change): string {
  return `${change.kind} ${change.kind === 'renamed' ? `${change.from} ` : ''}${change.path}`;
}

describe('the changes from one tree to another', () => {
  it('turn the one into the other, whatever was done, with and without renames', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { maxLength: 25 }),
        fc.array(operation, { maxLength: 25 }),
        fc.boolean(),
        async (first, second, renames) => {
          const store = new MemoryStore();
          const before = await changeSide(openLiveTree(store, await startOfSides(store)), first, 'first');
          const after = await changeSide(openLiveTree(store, before), second, 'second');
          const changes = await listed(changesOf({ top: before, source: store }, { top: after, source: store }, { renames }));
          const [old, now] = [await pathsOf(store, before), await pathsOf(store, after)];
          assert.deepEqual(new Map([...apply(old, changes)].sort()), new Map([...now].sort()), changes.map(text).join('\n'));
          // Nothing is told that is not so.
          for (const change of changes) {
            if (change.kind === 'changed') assert.notEqual(old.get(change.path), now.get(change.path), text(change));
            if (change.kind === 'renamed') assert.ok(old.has(change.from) && now.has(change.path), text(change));
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it('find what was renamed: whole Dirs, what was taken out of Dirs, and each name once', async () => {
    const store = new MemoryStore();
    const tree = openLiveTree(store, undefined);
    for (const path of ['/a', '/a/sub', '/b']) await tree.mkdir(at(path), {});
    for (const path of ['/a/one', '/a/sub/two', '/b/three']) await tree.write(at(path), contentOf(`content of ${path}`), {});
    await tree.write(at('/b/again'), contentOf('content of /b/three'), {});
    await tree.write(at('/b/empty'), contentOf(''), {});
    await tree.link(at('/a/one'), at('/a/sub/linked'));
    const before = (await tree.sync()) as DirDirent;
    await tree.rename(at('/a/sub'), at('/sub'));
    await tree.rename(at('/a'), at('/c'));
    await tree.mkdir(at('/d'), {});
    for (const name of ['three', 'again', 'empty']) await tree.rename(at(`/b/${name}`), at(`/d/new-${name}`));
    await tree.rename(at('/d/new-again'), at('/d/again'));
    await tree.remove(at('/b'));
    const after = (await tree.sync()) as DirDirent;
    const side = (top: DirDirent) => ({ top, source: store });
    assert.deepEqual((await listed(changesOf(side(before), side(after)))).map(text), [
      'removed /a',
      'removed /b',
      'removed /b/empty',
      'added /c',
      'renamed /a/one /c/one',
      'added /d',
      'renamed /b/again /d/again',
      'added /d/new-empty',
      'renamed /b/three /d/new-three',
      'renamed /a/sub /sub',
    ]);
    const few = await listed(changesOf(side(before), side(after), { maxHeld: 3 }));
    assert.ok(few.every(({ kind }) => kind !== 'renamed'));
    assert.deepEqual(apply(await pathsOf(store, before), few), await pathsOf(store, after));
  });

  it('tell each name once where one side is nothing, or another kind', async () => {
    const store = new MemoryStore();
    const tree = openLiveTree(store, undefined);
    await tree.mkdir(at('/a'), {});
    await tree.write(at('/a/f'), contentOf('content'), {});
    const root = (await tree.sync()) as DirDirent;
    const side = (top: NodeDirent | undefined) => ({ top, source: store });
    for (const renames of [true, false]) {
      assert.deepEqual((await listed(changesOf(side(undefined), side(root), { renames }))).map(text), [
        'added /',
        'added /a',
        'added /a/f',
      ]);
      assert.deepEqual((await listed(changesOf(side(root), side(undefined), { renames }))).map(text), [
        'removed /',
        'removed /a',
        'removed /a/f',
      ]);
    }
    const file: NodeDirent = { kind: 'symlink', name: octets(''), meta: {}, target: octets('a') };
    assert.deepEqual((await listed(changesOf(side(file), side(root)))).map(text), ['removed /', 'added /', 'added /a', 'added /a/f']);
  });

  it('read of a moved Dir nothing, and of a large one the Blocks that differ', async () => {
    const store = new MemoryStore();
    const entries: Dirent[] = Array.from({ length: 40_000 }, (_, i) => ({
      kind: 'file' as const,
      name: octets(`name ${i}`),
      meta: { mode: 0o644, mtimeNs: BigInt(i) * 1_000_000_007n },
      block: { kind: 'run' as const, span: i + 1, octet: 7 },
    })).sort((a, b) => compareOctets(a.name, b.name));
    const dirOf = async (of: readonly Dirent[], name: string): Promise<DirDirent> => {
      const pending = new PendingBlocks(store.hashName);
      const block = storeDir(pending, of);
      await pending.flushTo(store);
      return { kind: 'dir', name: octets(name), meta: {}, block };
    };
    const large = await dirOf(entries, 'large');
    const changed = entries.flatMap((entry, i) => {
      if (i === 5) return [];
      if (i === 20_000) return [{ ...entry, meta: { mode: 0o600 } }];
      return i === 39_000 ? [entry, { ...entry, name: octets(`${entry.name}a`) }] : [entry];
    });
    const other = await dirOf(changed, 'large');
    const source = counting(store);
    const side = (top: DirDirent) => ({ top, source });
    const found = await listed(changesOf(side(large), side(other), { renames: false }));
    assert.deepEqual(
      found.map(({ kind }) => kind),
      ['removed', 'changed', 'added'],
    );
    const [mine, theirs] = [await blocksOf(store, large.block), await blocksOf(store, other.block)];
    const differing = [...mine, ...theirs].filter((digest) => !(mine.has(digest) && theirs.has(digest)));
    assert.ok(source.reads <= 2 * differing.length, `${source.reads} Blocks read, ${differing.length} differ`);
    source.reads = 0;
    const [before, after] = [await dirOf([large], ''), await dirOf([{ ...large, name: octets('moved') }], '')];
    assert.deepEqual((await listed(changesOf(side(before), side(after)))).map(text), ['renamed /large /moved']);
    assert.equal(source.reads, 2);
  });
});

function counting(store: MemoryStore): BlockSource & { reads: number } {
  const source = {
    name: store.name,
    reads: 0,
    get: async (...of: Parameters<MemoryStore['get']>) => {
      source.reads++;
      return await store.get(...of);
    },
  };
  return source;
}

async function blocksOf(store: MemoryStore, block: Block): Promise<Set<string>> {
  const found = new Set<string>();
  await blockTreeStats(store, block, { visit: ({ block: hashed }) => found.add(digestHex(hashed.hashcode.digest)) });
  return found;
}
