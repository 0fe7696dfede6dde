import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { describe, it } from 'node:test';
import { openArchiveFile } from '../../../core/archive/archive-file.ts';
import type { Octets } from '../../../core/base/octets.ts';
import type { BlockSource } from '../../../core/block/block-source.ts';
import type { DirDirent } from '../../../core/dirent/dirent.ts';
import { sameDirent } from '../../../core/dirent/dirent-compare.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { Authorship } from '../../../shell/session/authorship.ts';
import type { OpenedSource } from '../../../shell/session/opened-source.ts';
import { RootRecord } from '../../../shell/session/root-record.ts';
import { makeScratch } from '../../support/scratch.ts';

/** The root of a tree with some Dirs, and with one more in each of them. */
async function rootOf(store: MemoryStore, ...names: string[]): Promise<DirDirent> {
  await using tree = openLiveTree(store, undefined);
  for (const name of names) {
    await tree.mkdir(`/${name}` as TreePath, {});
    await tree.mkdir(`/${name}/${'x'.repeat(200)}` as TreePath, {});
  }
  return (await tree.sync()) as DirDirent;
}

function recordIn(t: TestContext, store: MemoryStore, opened: Partial<OpenedSource> = {}) {
  const archive = openArchiveFile(makeScratch(t).path('default.vt'));
  const warnings: string[] = [];
  const source: OpenedSource = { tree: openLiveTree(store, undefined), store, archive, base: undefined, ...opened };
  const record = new RootRecord(source, { author: new Authorship(), now: () => new Date(0), warn: (warning) => warnings.push(warning) });
  const count = async (): Promise<number> => (await archive.last())?.number ?? 0;
  return { record, archive, warnings, count };
}

const noMerge = async (): Promise<never> => await Promise.reject(new Error('merged'));

describe('RootRecord', () => {
  it('knows of a root only what the archive says', async (t) => {
    const store = new MemoryStore();
    const { record, archive } = recordIn(t, store);
    assert.ok(await record.hasBase(undefined), 'the empty tree needs no entry');
    const [one, two] = [await rootOf(store, 'one'), await rootOf(store, 'two')];
    assert.equal(await record.append(one, noMerge, {}), one);
    assert.ok(await record.hasBase(undefined));
    await archive.append(async () => await Promise.resolve({ whenNs: 0n, dirent: two }));
    assert.ok(await record.hasBase(undefined), 'it is there, though not the newest');
    const lines = readFileSync(archive.name, 'utf8').split('\n');
    writeFileSync(archive.name, `${lines[1]}\n`);
    assert.ok(await record.hasBase(undefined), 'beside this newest one it was found');
    await archive.append(async () => await Promise.resolve({ whenNs: 0n, dirent: await rootOf(store, 'three') }));
    assert.ok(!(await record.hasBase(undefined)));
    writeFileSync(archive.name, '');
    assert.ok(!(await record.hasBase(undefined)));
  });

  it('merges with what another session recorded since, and with nothing else', async (t) => {
    const store = new MemoryStore();
    const { record, archive, count } = recordIn(t, store);
    const [one, two, three, four] = await Promise.all(['one', 'two', 'three', 'four'].map(async (name) => await rootOf(store, name)));
    assert.ok(one !== undefined && two !== undefined && three !== undefined && four !== undefined);
    await record.append(one, noMerge, {});
    await record.append(two, noMerge, {});
    await archive.append(async () => await Promise.resolve({ whenNs: 0n, dirent: three }));
    const merged = await record.append(
      one,
      async (base, theirs) => {
        assert.ok(sameDirent(base, two));
        assert.ok(sameDirent(theirs, three));
        return await Promise.resolve(four);
      },
      {},
    );
    assert.equal(merged, four);
    assert.equal(await count(), 4);
    await record.append(four, noMerge, {});
    assert.equal(await count(), 4, 'the same root again is no entry');
  });

  it('replaces the newest root only where that is the one which is known', async (t) => {
    const store = new MemoryStore();
    const { record, archive, count } = recordIn(t, store);
    const [one, two] = [await rootOf(store, 'one'), await rootOf(store, 'two')];
    await record.append(one, noMerge, {});
    const first = await archive.last();
    assert.ok(first !== undefined);
    await archive.append(async () => await Promise.resolve({ whenNs: 0n, dirent: two }));
    const target = { whenNs: first.whenNs, dirent: one };
    let shown = 0;
    const show = async (): Promise<void> => {
      shown++;
      await Promise.resolve();
    };
    await assert.rejects(record.replace('undo', target, first, show, undefined), {
      code: 'EFAILED',
      message: 'undo: another session recorded root 2 meanwhile',
    });
    assert.deepEqual([shown, await count()], [0, 2]);
    await record.replace('undo', target, { whenNs: 0n, dirent: two }, show, undefined);
    assert.deepEqual([shown, await count()], [1, 3]);
    assert.ok(sameDirent(record.base, one));
  });

  it('does not record a tree of which Dirs are lacking, since gc could not go on then, and says so', async (t) => {
    const store = new MemoryStore();
    const root = await rootOf(store, 'one', 'two');
    const lacking = Object.assign(new MemoryStore(), {
      get: async (...args: Parameters<BlockSource['get']>) => {
        const block = await store.get(...args);
        return block !== undefined && Buffer.from(block).includes('x'.repeat(200)) ? undefined : block;
      },
    });
    for (const [over, isRecorded] of [
      [lacking, false],
      [store, true],
    ] as const) {
      const { record, count, warnings } = recordIn(t, over, { mayLackBlocks: true, base: { ...root, name: 'old' as Octets } });
      assert.equal(await record.append(root, noMerge, {}), root);
      assert.equal(await count(), isRecorded ? 1 : 0);
      assert.equal(warnings.length, isRecorded ? 0 : 1);
    }
  });
});
