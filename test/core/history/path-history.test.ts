import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ArchiveEntry } from '../../../core/archive/archive.ts';
import type { Octets } from '../../../core/base/octets.ts';
import type { BlockSource } from '../../../core/block/block-source.ts';
import { pathHistory } from '../../../core/history/path-history.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../../core/tree/path.ts';

const STATES = 80;
/** The state from which on the file has its last name. */
const RENAMED_AT = 50;

/** States of a tree in which one file has other octets each time; newest first. */
async function makeStates(store: MemoryStore): Promise<ArchiveEntry[]> {
  await using tree = openLiveTree(store, undefined, { name: 'test' });
  await tree.mkdir('/d' as TreePath, {});
  const entries: ArchiveEntry[] = [];
  for (let number = 1; number <= STATES; number++) {
    if (number === RENAMED_AT) await tree.rename('/d/before' as TreePath, '/d/after' as TreePath);
    else {
      const path = number < RENAMED_AT ? '/d/before' : '/d/after';
      const content = (async function* () {
        yield Buffer.from(`${number} `.repeat(100));
      })();
      await tree.write(path as TreePath, content, { mtimeNs: BigInt(number) });
    }
    entries.unshift({ number, whenNs: BigInt(number), dirent: await tree.sync() });
  }
  return entries;
}

/** A Store that is far away: what is asked for comes a turn later. */
function farAway(store: MemoryStore, lacking?: Uint8Array): { readonly source: BlockSource; readonly most: () => number } {
  let [underWay, most] = [0, 0];
  const source: BlockSource = {
    name: 'far away',
    async get(hashcode) {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay--;
      return lacking !== undefined && Buffer.compare(hashcode.digest, lacking) === 0 ? undefined : await store.get(hashcode);
    },
  };
  return { source, most: () => most };
}

it('the history of a path asks for many states at a time, and follows a rename all the same', async () => {
  const store = new MemoryStore();
  const entries = await makeStates(store);
  const { source, most } = farAway(store);
  const told: [number, Octets][] = [];
  for await (const { archived, path } of pathHistory(source, entries, '/d/after' as TreePath)) told.push([archived.number, path]);
  assert.deepEqual(
    told,
    entries.map(({ number }) => [number, number < RENAMED_AT ? '/d/before' : '/d/after']),
  );
  assert.ok(most() >= 16, `${most()} at a time`);
});

it('a state that cannot be read is thrown when its turn comes, not before', async () => {
  const store = new MemoryStore();
  const entries = await makeStates(store);
  const root = entries.find(({ number }) => number === 70)?.dirent;
  assert.ok(root?.kind === 'dir' && root.block.kind === 'hash');
  const { source } = farAway(store, root.block.hashcode.digest);
  const told: number[] = [];
  await assert.rejects(
    async () => {
      for await (const { archived } of pathHistory(source, entries, '/d/after' as TreePath)) told.push(archived.number);
    },
    { code: 'EMISSING' },
  );
  assert.deepEqual(told, [80, 79, 78, 77, 76, 75, 74, 73, 72]);
});
