import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { hashByName } from '../../../core/block/hash.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { LeafSweep } from '../../../core/transition/leaf-sweep.ts';
import type { RenamedLeaves } from '../../../core/transition/leaf-table.ts';
import { makeRandom } from '../../support/random.ts';
import { newStorePath } from '../datadir/store-folder.ts';

const [FROM, TO] = [hashByName('sha1'), hashByName('sha3-256')];

/** A Block that no piece of a sweep has room for. */
const LARGE_SIZE = 3 * 1024 * 1024;

for (const { name, blocks } of [
  { name: 'in the main thread', blocks: 100 },
  { name: 'by workers', blocks: 700 },
])
  it(`a sweep ${name} finds every Block but those that are damaged or too large, and where it lies`, async (t) => {
    const seed = Date.now() % 2 ** 31;
    t.diagnostic(`seed ${seed}`);
    const random = makeRandom(seed);
    const path = newStorePath();
    const wanted = new Map<string, Buffer>();
    {
      await using store = await openDatadir(path, { create: true, hashName: 'sha1', compression: 'zlib' });
      for (let i = 0; i < blocks; i++) {
        const data = random.chance(20) ? Buffer.alloc(1 + random.below(60_000), `${i} `) : random.bytes(1 + random.below(40_000));
        await store.add(data);
        wanted.set(hexOf(FROM.digest(data)), data);
        if (i === blocks >> 1) await store.add(random.bytes(LARGE_SIZE));
      }
    }
    const damaged = damageOne(path, wanted, random.bytes(1));
    await using store = await openDatadir(path);
    const found = new Map<string, string>();
    await using sweep = new LeafSweep(store, 'sha3-256');
    for (const file of sweep.files()) {
      const octets = readFileSync(join(path, 'data', file.name));
      await sweep.file(
        file,
        async (leaves) => {
          for (const [before, after] of pairsOf(leaves)) found.set(before, after);
          for (let i = 0; i < leaves.count; i++) {
            if (leaves.places?.codecs[i] !== 0) continue;
            const at = leaves.places.offsets[i] as number;
            const lies = octets.subarray(at, at + (leaves.sizes[i] as number));
            assert.equal(hexOf(TO.digest(lies)), pairsOf(leaves)[i]?.[1]);
          }
          await Promise.resolve();
        },
        undefined,
      );
    }
    wanted.delete(damaged);
    assert.deepEqual([...found.keys()].sort(), [...wanted.keys()].sort());
    for (const [before, data] of wanted) assert.equal(found.get(before), hexOf(TO.digest(data)));
  });

function hexOf(digest: Uint8Array): string {
  return Buffer.from(digest).toString('hex');
}

function pairsOf({ count, before, after }: RenamedLeaves): [string, string][] {
  const hex = (digests: Uint8Array, size: number, i: number): string => hexOf(digests.subarray(i * size, (i + 1) * size));
  return Array.from({ length: count }, (_, i) => [hex(before, FROM.digestSize, i), hex(after, TO.digestSize, i)]);
}

/** Changes an octet of one Block that is stored as it is. @returns its digest */
function damageOne(path: string, blocks: ReadonlyMap<string, Buffer>, by: Buffer): string {
  for (const name of readdirSync(join(path, 'data'))) {
    const octets = readFileSync(join(path, 'data', name));
    for (const [digest, data] of blocks) {
      const at = data.length > 1000 && data[0] !== data[20] ? octets.indexOf(data) : -1;
      if (at < 0) continue;
      octets[at + 500] = (octets[at + 500] ?? 0) ^ (1 + ((by[0] ?? 0) & 127));
      writeFileSync(join(path, 'data', name), octets);
      return digest;
    }
  }
  throw new Error('no Block is stored as it is');
}
