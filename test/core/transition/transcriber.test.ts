import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MissingBlockError } from '../../../core/base/errors.ts';
import type { OpOptions } from '../../../core/base/op-options.ts';
import { DigestTable } from '../../../core/block/digest-table.ts';
import type { HashName } from '../../../core/block/hash.ts';
import { CONTENT_HASH_NAMES, hashByName } from '../../../core/block/hash.ts';
import type { HashCode } from '../../../core/block/hashcode.ts';
import { digestHex } from '../../../core/block/hashcode.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { formatDirent } from '../../../core/dirent/dirent-text.ts';
import type { Capable } from '../../../core/store/capability.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import type { Store } from '../../../core/store/store.ts';
import { NeededBlocks } from '../../../core/sync/needed-blocks.ts';
import { openMap } from '../../../core/transition/open-transition.ts';
import { Transcriber } from '../../../core/transition/transcriber.ts';
import { NameCheck } from '../../../core/transition/verify-names.ts';
import { ROOT_PATH } from '../../../core/tree/path.ts';
import { storeRandomTree } from '../../support/trees/random-tree.ts';

async function transcribed(source: Store, target: Store, dirent: Dirent): Promise<Dirent> {
  const { map } = await openMap(source, target);
  await using _map = map;
  await using transcriber = new Transcriber(source, target, map);
  const made = await transcriber.dirent(dirent);
  await transcriber.save();
  return made;
}

async function verified(source: Store, target: Store, before: Dirent, after: Dirent): Promise<string[]> {
  await using check = new NameCheck(source, target);
  await check.dirent(before, after);
  return check.faults.map(({ path, error }) => `${path}: ${error.message}`);
}

const PAIRS: readonly (readonly [HashName, HashName])[] = CONTENT_HASH_NAMES.flatMap((from) =>
  CONTENT_HASH_NAMES.filter((to) => to !== from).map((to) => [from, to] as const),
);

describe('a transition', () => {
  it('gives the references that a fresh put of the same tree gives, and back gives the old ones', async (t) => {
    const base = Date.now() % 2 ** 31;
    for (const [i, [from, to]] of PAIRS.entries()) {
      const seed = base + i;
      t.diagnostic(`seed ${seed}, ${from} to ${to}`);
      const [source, target, fresh] = [from, to, to].map((hashName) => new MemoryStore({ hashName })) as [
        MemoryStore,
        MemoryStore,
        MemoryStore,
      ];
      const before = await storeRandomTree(source, seed);
      const after = await transcribed(source, target, before);
      assert.equal(formatDirent(after), formatDirent(await storeRandomTree(fresh, seed)));
      assert.deepEqual(await verified(source, target, before, after), []);
      const back = new MemoryStore({ hashName: from });
      assert.equal(formatDirent(await transcribed(target, back, after)), formatDirent(before));
    }
  });

  it('names the path of what is missing, and makes nothing of it', async () => {
    const source = new MemoryStore({ hashName: 'sha1' });
    const target = new MemoryStore();
    const dirent = await storeRandomTree(source, 5);
    const hash = hashByName('sha1');
    const leaves: string[] = [];
    const needed = new NeededBlocks(source, hash, {
      told: new DigestTable(hash.digestSize),
      leaf: (digest) => void leaves.push(digestHex(digest)),
    });
    await needed.dirent(dirent, ROOT_PATH);
    const holed: Store & Capable = Object.create(source, {
      get: {
        value: async (hashcode: HashCode, options?: OpOptions) =>
          digestHex(hashcode.digest) === leaves[0] ? undefined : await source.get(hashcode, options),
      },
    });
    await assert.rejects(
      async () => await transcribed(holed, target, dirent),
      (error: Error) => /^"\/n\d+.*": /.test(error.message) && error.cause instanceof MissingBlockError,
    );
  });

  it('is found out where a Block, a name or an entry is another', async () => {
    const source = new MemoryStore({ hashName: 'sha1' });
    const target = new MemoryStore();
    const [before, other] = [await storeRandomTree(source, 7), await storeRandomTree(source, 8)];
    const after = await transcribed(source, target, before);
    assert.equal((await verified(source, target, other, after)).length > 0, true);
    assert.match((await verified(source, target, before, { ...after, meta: { mode: 0o700 } })).join(), /its name or metadata differ/);
  });

  it('is refused between Stores of one hash function', async () => {
    await assert.rejects(async () => await openMap(new MemoryStore(), new MemoryStore()), /has the hash function of/);
  });
});
