import assert from 'node:assert/strict';
import fs, { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { it } from 'node:test';
import { PRIVATE_ACCESS } from '../../../../core/base/system/store-files.ts';
import { digestKey } from '../../../../core/block/digest-key.ts';
import { hashcodeOf } from '../../../../core/block/hashcode.ts';
import { BlockIndex } from '../../../../core/datadir/index/block-index.ts';
import { runsToMerge } from '../../../../core/datadir/index/index-compaction.ts';
import type { IndexHead } from '../../../../core/datadir/index/index-head.ts';
import { decodeHead, encodeHead, readHead } from '../../../../core/datadir/index/index-head.ts';
import { IndexRecords } from '../../../../core/datadir/index/index-records.ts';
import type { Location } from '../../../../core/datadir/index/index-types.ts';
import { IndexDamagedError } from '../../../../core/datadir/index/index-types.ts';
import { makeRandom, type Random } from '../../../support/random.ts';
import { newStorePath } from '../store-folder.ts';

const OWNER = { storeId: '00112233-4455-6677-8899-aabbccddeeff', hashName: 'sha256' } as const;
const NO_MARKS = new Map<string, never>();

function digestOf(number: number): Uint8Array {
  return hashcodeOf('sha256', Buffer.from(`block ${number}`)).digest;
}

function newIndex(folder: string): BlockIndex {
  return BlockIndex.makeAnew(folder, OWNER, PRIVATE_ACCESS, undefined);
}

function reopen(folder: string): BlockIndex {
  const index = BlockIndex.open(folder, OWNER, PRIVATE_ACCESS);
  assert.ok(typeof index !== 'string', String(index));
  return index;
}

function locationOf(random: Random): Location {
  const storedSize = random.below(70_000);
  const found = {
    file: `file ${random.below(5)}.vtd`,
    offset: random.below(2 ** 40),
    storedSize,
    size: storedSize,
    codec: 'none',
  } as const;
  return random.chance(10) ? { ...found, isDamaged: true } : found;
}

async function put(index: BlockIndex, blocks: readonly (readonly [Uint8Array, Location])[]): Promise<void> {
  await index.commit({ blocks, marks: NO_MARKS, cachePuts: [] }, index.id);
}

/** What an index holds, by digest: read in steps of any size. */
function contentOf(index: BlockIndex, step: number): Map<string, Location> {
  const found = new Map<string, Location>();
  let last = '';
  for (let after: Uint8Array | undefined; ; ) {
    const entries = index.entries(after, step);
    for (const [digest, location] of entries) {
      assert.ok(digestKey(digest) > last, 'in order');
      last = digestKey(digest);
      found.set(last, location);
    }
    after = entries.at(-1)?.[0];
    if (after === undefined) return found;
  }
}

for (let round = 0; round < 6; round++) {
  it(`an index that two sessions change at random holds what a Map holds, in round ${round}`, async () => {
    const seed = Date.now() % 2 ** 32;
    const random = makeRandom(seed + round);
    const folder = join(newStorePath({ inMemory: true }), 'index');
    const sessions = [newIndex(folder), reopen(folder)];
    const model = new Map<string, { readonly digest: Uint8Array; readonly location: Location }>();
    const cache = new Map<string, Buffer>();
    const few = round % 2 === 0;
    for (let step = 0; step < 60; step++) {
      const at = random.below(2);
      let index = sessions[at] as BlockIndex;
      const action = random.below(10);
      if (action < 5) {
        // Many at a time go into files; few stay in the head.
        const blocks = Array.from({ length: 1 + random.below(few ? 200 : 3000) }, () => {
          const number = random.below(20_000);
          return [digestOf(number), locationOf(random)] as const;
        });
        const puts = Array.from({ length: random.below(4) }, () => {
          const size = random.chance(10) ? random.below(200_000) : random.below(50);
          return [Buffer.from(`key ${random.below(50)}`), random.bytes(size)] as const;
        });
        const seen = index.changes;
        const { before, after } = await index.commit({ blocks, marks: NO_MARKS, cachePuts: puts }, index.id);
        assert.ok(before >= seen && after > before);
        for (const [digest, location] of blocks) model.set(digestKey(digest), { digest, location });
        for (const [key, value] of puts) cache.set(key.toString(), value);
      } else if (action < 8) {
        const entries = [...model.values()].filter(() => random.chance(20));
        const changes = entries.map(({ digest, location }) => {
          const from = random.chance(10) ? { ...location, offset: location.offset + 1 } : location;
          return { digest, from, to: random.chance(50) ? undefined : locationOf(random) };
        });
        let expected = 0;
        for (const { digest, from, to } of changes) {
          if (model.get(digestKey(digest))?.location.offset !== from.offset) continue;
          expected++;
          if (to === undefined) model.delete(digestKey(digest));
          else model.set(digestKey(digest), { digest, location: to });
        }
        assert.equal(index.rewrite(changes, NO_MARKS, { step: String(step) }), expected, `seed ${seed}`);
        assert.equal(index.setting('step'), String(step));
        await index.compact();
      } else if (action === 8) {
        index.close();
        index = reopen(folder);
        sessions[at] = index;
      } else if (random.chance(30)) {
        index.dropCache('generation', String(step));
        cache.clear();
      }
      const other = sessions[1 - at] as BlockIndex;
      other.refresh();
      for (const session of [index, other]) {
        for (const key of [digestOf(random.below(20_000)), digestOf(random.below(20_000)), digestOf(20_001)]) {
          const expected = model.get(digestKey(key))?.location;
          assert.deepEqual(session.get(key), expected, `seed ${seed}, step ${step}`);
          assert.equal(session.has(key), expected !== undefined && expected.isDamaged !== true);
        }
        for (let i = 0; i < 50; i += 7) {
          const value = session.cacheGet(Buffer.from(`key ${i}`));
          assert.deepEqual(value === undefined ? undefined : Buffer.from(value), cache.get(`key ${i}`), `seed ${seed}, key ${i}`);
        }
      }
    }
    const expected = new Map([...model].map(([key, { location }]) => [key, location]));
    for (const session of sessions) {
      session.refresh();
      const found = contentOf(session, 1 + random.below(500));
      assert.equal(found.size, expected.size, `seed ${seed}`);
      assert.deepEqual(found, new Map([...found.keys()].map((key) => [key, expected.get(key)])), `seed ${seed}`);
      const present = session.presentDigests(undefined, 100_000);
      assert.equal(present.count, expected.size);
      assert.equal(present.digests.length, [...expected.values()].filter(({ isDamaged }) => isDamaged !== true).length);
      session.close();
    }
    const read = readHead(folder);
    assert.ok(typeof read === 'object');
    assert.equal(runsToMerge(read.head.blocks.files).length, 0, 'few runs');
    const named = [...read.head.blocks.files, ...read.head.cache.files].length;
    assert.equal(readdirSync(folder).filter((name) => name.endsWith('.run')).length, named, 'no run is left over');
  });
}

it('records with the same first octets come in order, the latest of each key alone', () => {
  const records = new IndexRecords({ keySize: 8, valueSize: 1 });
  const key = (text: string): Buffer => Buffer.from(`same${text}`);
  for (const [i, text] of ['dddd', 'aaaa', 'cccc', 'aaaa', 'bbbb', 'dddd', 'aaaa'].entries()) records.add(key(text), Buffer.of(i));
  const found = [...records.inOrder()].map((at) => [records.octets.toString('latin1', at + 4, at + 8), records.octets[at + 8]]);
  assert.deepEqual(found, [
    ['aaaa', 6],
    ['bbbb', 4],
    ['cccc', 2],
    ['dddd', 5],
  ]);
});

it('few runs are kept however many batches came, and each is far larger than all newer ones', async () => {
  const folder = join(newStorePath({ inMemory: true }), 'index');
  const index = newIndex(folder);
  const random = makeRandom(1);
  for (let batch = 0; batch < 40; batch++) {
    await put(
      index,
      Array.from({ length: 2000 }, (_, i) => [digestOf(batch * 2000 + i), locationOf(random)] as const),
    );
  }
  index.close();
  const read = readHead(folder);
  assert.ok(typeof read === 'object');
  const sizes = read.head.blocks.files.map(({ pages }) => pages);
  assert.ok(sizes.length <= 5, sizes.join(' '));
  assert.equal(contentOf(reopen(folder), 10_000).size, 80_000);
});

it('an index that cannot be written to stays as it was, and what was written of it is removed', async () => {
  const folder = join(newStorePath({ inMemory: true }), 'index');
  const index = newIndex(folder);
  const random = makeRandom(2);
  const blocks = Array.from({ length: 3000 }, (_, i) => [digestOf(i), locationOf(random)] as const);
  await put(index, blocks);
  // A folder in the way of the new head.
  mkdirSync(join(folder, `head.${process.pid}`));
  await assert.rejects(
    put(
      index,
      blocks.map(([digest, location]) => [digest, { ...location, offset: 1 }] as const),
    ),
    { code: 'ERR_FS_EISDIR' },
  );
  assert.equal(readdirSync(folder).filter((name) => name.endsWith('.run')).length, 1);
  for (const [digest, location] of blocks.slice(0, 100)) assert.deepEqual(index.get(digest), location);
});

it('a change of an index whose folder cannot be synced fails, and leaves an index that can be read', async (t) => {
  const folder = join(newStorePath(), 'index');
  const index = newIndex(folder);
  const random = makeRandom(7);
  // More than the head holds: they lie in a file of their own.
  const blocks = Array.from({ length: 4000 }, (_, i) => [digestOf(i), { ...locationOf(random), file: 'a' }] as const);
  await put(index, blocks);
  const { fsyncSync } = fs;
  const failing = t.mock.method(fs, 'fsyncSync', (fd: number) => {
    if (!fs.fstatSync(fd).isDirectory()) return fsyncSync(fd);
    throw Object.assign(new Error('EIO: failed'), { code: 'EIO' });
  });
  syncBuiltinESMExports();
  const moved = blocks.map(([digest, from]) => ({ digest, from, to: { ...from, offset: 1, file: 'b' } }));
  try {
    assert.throws(() => index.rewrite(moved, NO_MARKS), { code: 'EIO' });
  } finally {
    failing.mock.restore();
    syncBuiltinESMExports();
  }
  const again = reopen(folder);
  assert.deepEqual(new Set([...contentOf(again, 500).values()].map(({ file }) => file)), new Set(['b']));
  again.close();
  index.close();
});

it('the marks of an index that was made anew meanwhile are not put into the new one', async () => {
  const folder = join(newStorePath({ inMemory: true }), 'index');
  const index = newIndex(folder);
  const marks = new Map([['a.vtd', { indexedTo: 100, seenSize: 100 }]]);
  const { id } = index;
  const other = BlockIndex.makeAnew(folder, OWNER, PRIVATE_ACCESS, id);
  assert.notEqual(other.id, id);
  await index.commit({ blocks: [], marks, cachePuts: [] }, id);
  assert.deepEqual(index.marks(), new Map());
  await index.commit({ blocks: [], marks, cachePuts: [] }, index.id);
  other.refresh();
  assert.deepEqual([...other.marks().keys()], ['a.vtd']);
});

it('of a damaged cache nothing is found, and no Block is lost for it', async () => {
  const folder = join(newStorePath({ inMemory: true }), 'index');
  const index = newIndex(folder);
  const value = makeRandom(3).bytes(200_000);
  await index.commit({ blocks: [[digestOf(1), locationOf(makeRandom(4))]], marks: NO_MARKS, cachePuts: [[Buffer.of(1), value]] }, index.id);
  index.close();
  const name = readdirSync(folder).find((found) => found.endsWith('.values'));
  assert.ok(name !== undefined);
  const octets = readFileSync(join(folder, name));
  octets[100] = (octets[100] ?? 0) ^ 1;
  for (const damaged of [octets, octets.subarray(0, 50)]) {
    writeFileSync(join(folder, name), damaged);
    const found = reopen(folder);
    assert.equal(found.cacheGet(Buffer.of(1)), undefined);
    assert.equal(found.get(digestOf(1)) !== undefined, true);
    found.close();
  }
});

it('an index that is removed while a session has it can be read on, and says so when it is to be changed', async () => {
  const folder = join(newStorePath({ inMemory: true }), 'index');
  const index = newIndex(folder);
  await put(index, [[digestOf(1), locationOf(makeRandom(5))]]);
  const { rmSync } = await import('node:fs');
  rmSync(folder, { recursive: true });
  index.refresh();
  assert.equal(index.get(digestOf(1)) !== undefined, true);
  await assert.rejects(put(index, []), IndexDamagedError);
});

it('a head of which a bit is flipped, or that is cut short, is refused with a reason', () => {
  const head: IndexHead = {
    id: 'an id',
    storeId: 'a Store',
    hashName: 'sha256',
    changes: 3,
    settings: { generation: '1' },
    files: new Map([['a.vtd', { number: 1, indexedTo: 64, seenSize: 64 }]]),
    blocks: { files: [], recent: undefined },
    cache: { files: [], recent: undefined },
  };
  const octets = encodeHead(head);
  assert.deepEqual(decodeHead(octets), head);
  for (let bit = 0; bit < octets.length * 8; bit++) {
    const flipped = Buffer.from(octets);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.equal(typeof decodeHead(flipped), 'string', `bit ${bit}`);
  }
  for (let size = 0; size < octets.length; size++) assert.equal(typeof decodeHead(octets.subarray(0, size)), 'string', `${size} octets`);
});

it('changes that were made of an index do not go into one that was made anew since', () => {
  const folder = join(newStorePath(), 'index');
  const index = newIndex(folder);
  const other = BlockIndex.makeAnew(folder, OWNER, PRIVATE_ACCESS, index.id);
  const { id } = index;
  assert.notEqual(other.id, id);
  const marks = new Map([['file.vtd', { indexedTo: 100, seenSize: 100 }]]);
  assert.throws(() => index.rewrite([], marks, {}, id), { code: 'EFAILED', message: /rebuilt it meanwhile/ });
  assert.equal(reopen(folder).marks().size, 0);
});
