import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import type { IndirectBlock } from '../../../core/block/block.ts';
import type { BlockSource } from '../../../core/block/block-source.ts';
import { readSuperblock } from '../../../core/block/tree-walk.ts';
import type { DirDirent } from '../../../core/dirent/dirent.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { DirReader } from '../../../core/tree/dir-reader.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import { at } from '../../support/trees/tree-lines.ts';

const NAMES = Array.from({ length: 6000 }, (_, i) => `name ${i * 3}` as Octets);

/** A Dir whose Block tree has superblocks. */
async function largeDir(store: MemoryStore): Promise<DirDirent & { readonly block: IndirectBlock }> {
  const tree = openLiveTree(store, undefined);
  for (const name of NAMES) await tree.mkdir(at(`/${name}`), { mode: 0o755, user: 'somebody' as Octets });
  const root = (await tree.sync()) as DirDirent;
  assert.equal(root.block.kind, 'indirect');
  return root as DirDirent & { readonly block: IndirectBlock };
}

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

describe('the reader of Dirs', () => {
  it('finds each name of a large Dir, and none that is not there, reading each Block once', async () => {
    const store = new MemoryStore();
    const { block } = await largeDir(store);
    const source = counting(store);
    const reader = new DirReader(source);
    for (const name of NAMES) assert.equal((await reader.find(block, name))?.name, name);
    const { reads } = source;
    for (const none of ['', 'a', 'name 1', 'name 2999', 'name 17998', 'zzz', '\xff'] as Octets[])
      assert.equal(await reader.find(block, none), undefined);
    for (const name of NAMES.toReversed()) assert.equal((await reader.find(block, name))?.name, name);
    assert.equal(source.reads, reads);
  });

  it('a large Dir whose superblock and reference disagree is damaged, also after a look that went by', async () => {
    const store = new MemoryStore();
    const { block } = await largeDir(store);
    const refs = await readSuperblock(store, block);
    const lying: IndirectBlock = { ...block, span: block.span + 1 };
    assert.ok(refs.length > 1);
    const reader = new DirReader(store);
    assert.notEqual(await reader.find(block, NAMES[5] ?? ('' as Octets)), undefined);
    for (let round = 0; round < 2; round++) {
      await assert.rejects(reader.find(lying, NAMES[5] ?? ('' as Octets)), { code: 'ECORRUPT' });
    }
  });
});
