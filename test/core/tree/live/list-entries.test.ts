import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Octets } from '../../../../core/base/octets.ts';
import { storeDir } from '../../../../core/dirent/dir-codec.ts';
import type { Dirent } from '../../../../core/dirent/dirent.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';
import { openLiveTree } from '../../../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../../../core/tree/path.ts';
import type { TreeEntry } from '../../../../core/tree/tree.ts';
import { dir, entries, file, literal, stored } from '../../../support/bombs/bomb.ts';
import { MapSource } from '../../../support/stores/map-source.ts';

const at = (text: string): TreePath => text as TreePath;

async function all(listing: AsyncIterable<TreeEntry>): Promise<TreeEntry[]> {
  const found: TreeEntry[] = [];
  for await (const entry of listing) found.push(entry);
  return found;
}

test('a Dir that was listed is listed as by its path: stored, changed, and with hard links', async () => {
  await using tree = openLiveTree(new MemoryStore(), undefined);
  for (const path of ['/a', '/a/b', '/a/b/c', '/z']) await tree.mkdir(at(path), {});
  await tree.bind(at('/a/b/one'), file('one', literal('1')) as Exclude<Dirent, { kind: 'indirect' }>);
  await tree.link(at('/a/b/one'), at('/a/two'));
  const compare = async (): Promise<void> => {
    const pending = await all(tree.list(at('/')));
    let count = 0;
    for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
      count++;
      if (entry.dirent.kind !== 'dir') continue;
      const below = await all(tree.list(entry));
      assert.deepEqual(
        below.map((one) => ({ ...one })),
        (await all(tree.list(entry.path))).map((one) => ({ ...one })),
      );
      pending.push(...below.slice(0, 100));
    }
    assert.equal(count, 6);
  };
  await compare();
  await tree.sync();
  await compare();
  const [a] = await all(tree.list(at('/')));
  assert.ok(a);
  await tree.mkdir(at('/a/new'), {});
  assert.deepEqual(
    (await all(tree.list(a))).map(({ path }) => path),
    ['/a/b', '/a/new', '/a/two'],
    'what changed since it was listed is there',
  );
});

test('a walk by entries holds no paths: 1,500 levels of long names take what as many names take', async () => {
  const blocks = new MapSource('sha3-256');
  const name = 'n'.repeat(250);
  let block = stored(blocks, entries([file('leaf', literal('x'))]));
  const LEVELS = 1500;
  for (let level = 0; level < LEVELS; level++) block = storeDir(blocks, [dir(name, block)]) as typeof block;
  const store = new MemoryStore();
  for (const [digest, data] of blocks.blocks) await store.addBatch([{ digest: Buffer.from(digest, 'hex'), data }]);
  await using tree = openLiveTree(store, { kind: 'dir', name: '' as Octets, meta: {}, block });
  let [entry] = await all(tree.list(at('/')));
  const held: TreeEntry[] = [];
  const before = process.memoryUsage().heapUsed;
  while (entry !== undefined && entry.dirent.kind === 'dir') {
    held.push(entry);
    assert.equal(entry.path.length, held.length * 251);
    // Somebody prints each.
    assert.ok(Buffer.from(entry.path, 'latin1').length > 0);
    [entry] = await all(tree.list(entry));
  }
  assert.equal(held.length, LEVELS);
  // Paths kept would be 1,500 times 188 KB on average.
  assert.ok(process.memoryUsage().heapUsed - before < 100 * 2 ** 20);
});
