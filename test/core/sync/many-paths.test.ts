import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import type { HashCode } from '../../../core/block/hashcode.ts';
import { hashcodeLabel } from '../../../core/block/hashcode.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import type { Store } from '../../../core/store/store.ts';
import { SyncProcess } from '../../../core/sync/sync-process.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { newStorePath } from '../datadir/store-folder.ts';

/** Dirs one in the other, each at two names of the one above: 2^50 paths. */
const LEVELS = 50;

/** A Store as it is but for a Block that it has not. */
function without(store: Store, lost: HashCode): Store {
  return new Proxy(store, {
    get(inner, name) {
      if (name === 'offers') return {};
      if (name === 'get')
        return async (wanted: HashCode) => (hashcodeLabel(wanted) === hashcodeLabel(lost) ? undefined : await inner.get(wanted));
      const value: unknown = Reflect.get(inner, name, inner);
      return typeof value === 'function' ? (value.bind(inner) as unknown) : value;
    },
  });
}

for (const [near, row] of [
  ['from', 'push'],
  ['to', 'pull'],
] as const)
  it(`${row} of Dirs with more paths than can be counted names some paths of a Block that is not there, and ends`, async () => {
    await using source = await openDatadir(newStorePath({ inMemory: true }), { create: true });
    await using target = await openDatadir(newStorePath({ inMemory: true }), { create: true });
    const data = Buffer.from('lost over there '.repeat(200));
    const { hashcode } = await source.add(data);
    const tree = openLiveTree(source, undefined);
    const block = { kind: 'hash' as const, span: data.length, hashcode };
    await tree.mkdir('/0' as TreePath, {});
    await tree.bind('/0/lost' as TreePath, { kind: 'file', name: '' as Octets, meta: {}, block });
    for (let level = 1; level <= LEVELS; level++) {
      await tree.sync({});
      const below = await tree.dirent(`/${level - 1}` as TreePath);
      await tree.mkdir(`/${level}` as TreePath, {});
      for (const name of ['a', 'b']) await tree.bind(`/${level}/${name}` as TreePath, below);
    }
    await tree.sync({});
    const top = await tree.dirent(`/${LEVELS}` as TreePath);
    await source.flush();
    const sync = new SyncProcess(without(source, hashcode), target, { near });
    await sync.estimateDirent(top);
    await sync.transfer();
    assert.ok(sync.faults.length > 0);
    for (const { path, error } of sync.faults) {
      assert.match(path, new RegExp(`^(/[ab]){${LEVELS}}/lost$`));
      assert.match(error.message, /not in Store/);
    }
  });
