import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestKey } from '../../../core/block/digest-key.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import { DigestFilter } from '../../../core/datadir/digest-filter.ts';
import type { KnownIndex } from '../../../core/datadir/known-blocks.ts';
import { KnownBlocks } from '../../../core/datadir/known-blocks.ts';

const SIZE = 32;

function digestOf(number: number): Uint8Array {
  return hashcodeOf('sha256', Buffer.from(`block ${number}`)).digest;
}

/** An index in memory that counts how often it is asked. */
class FakeIndex implements KnownIndex {
  readonly blocks = new Map<string, { readonly digest: Uint8Array; isDamaged: boolean }>();
  generation = '1';
  asked = 0;
  changes = 0;

  add(number: number): void {
    const digest = digestOf(number);
    this.blocks.set(digestKey(digest), { digest, isDamaged: false });
    this.changes++;
  }

  has(digest: Uint8Array): boolean {
    this.asked++;
    return this.blocks.get(digestKey(digest))?.isDamaged === false;
  }

  standing(): ReturnType<KnownIndex['standing']> {
    return { generation: this.generation, blocks: this.blocks.size, changes: this.changes };
  }

  presentDigests(after: Uint8Array | undefined, limit: number): ReturnType<KnownIndex['presentDigests']> {
    const from = after === undefined ? '' : digestKey(after);
    const found = [...this.blocks]
      .filter(([key]) => key > from)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, limit)
      .map(([, entry]) => entry);
    return {
      digests: found.filter(({ isDamaged }) => !isDamaged).map(({ digest }) => digest),
      count: found.length,
      last: found.at(-1)?.digest,
    };
  }
}

function knows(known: KnownBlocks, number: number): boolean {
  known.begin();
  return known.has(digestOf(number), 0, SIZE);
}

function addIndexed(known: KnownBlocks, index: FakeIndex, number: number): void {
  const from = known.recent.position;
  known.recent.add(digestOf(number), 0, 5);
  known.recent.place(from, 'f', 64, { offsets: Float64Array.of(56), storedSizes: Uint32Array.of(5), codecs: Uint8Array.of(0) });
  const before = index.changes;
  index.add(number);
  known.markIndexed(known.recent.position, { before, after: index.changes });
}

test('a new Store is never asked for Blocks, as long as nobody else adds to it', () => {
  const index = new FakeIndex();
  const known = new KnownBlocks(SIZE, index);
  for (let i = 0; i < 100; i++) {
    assert.equal(knows(known, i), false);
    addIndexed(known, index, i);
    assert.equal(knows(known, i), true);
  }
  assert.equal(index.asked, 0);
  index.add(1000);
  assert.equal(knows(known, 1000), true);
  assert.equal(knows(known, 1001), false);
  assert.equal(index.asked, 2);
});

test('Blocks that another session may have deleted are asked for again', () => {
  const index = new FakeIndex();
  const known = new KnownBlocks(SIZE, index);
  known.begin();
  for (let i = 0; i < 10; i++) addIndexed(known, index, i);
  addIndexed(known, index, 20);
  index.blocks.delete(digestKey(digestOf(20)));
  index.add(21);
  index.generation = '2';
  assert.equal(knows(known, 20), false, 'another generation');
});

test('a damaged Block is known no more, until it is added again', () => {
  const index = new FakeIndex();
  const known = new KnownBlocks(SIZE, index);
  known.begin();
  for (let i = 0; i < 10; i++) addIndexed(known, index, i);
  assert.equal(known.noteDamage(digestOf(5)), true);
  assert.equal(known.noteDamage(digestOf(5)), false);
  assert.equal(knows(known, 5), false, 'though the index still has it');
  assert.equal(knows(known, 6), true);
  known.recent.add(digestOf(5), 0, 5);
  known.noteAdded(digestOf(5), 0, SIZE);
  assert.equal(knows(known, 5), true);
});

test('an index of which much is asked is read once, and asked no more', () => {
  const index = new FakeIndex();
  for (let i = 0; i < 6000; i++) index.add(i);
  for (const [, entry] of index.blocks) {
    entry.isDamaged = true;
    break;
  }
  const known = new KnownBlocks(SIZE, index);
  for (let i = 1; i < 6000; i++) assert.equal(knows(known, i), true);
  const { asked } = index;
  assert.ok(asked < 5000, `${asked}`);
  for (let i = 1; i < 6000; i++) assert.equal(knows(known, i), true);
  assert.equal(knows(known, 7000), false);
  assert.equal(index.asked, asked);
  assert.equal(knows(known, 0), false, 'the damaged one');
});

test('a filter of digests knows each that it was given, and hardly any other', () => {
  const filter = new DigestFilter();
  for (let i = 0; i < 5000; i++) filter.add(digestOf(i), 0);
  for (let i = 0; i < 5000; i++) assert.equal(filter.mayHave(digestOf(i), 0), true);
  let wrong = 0;
  for (let i = 5000; i < 15000; i++) if (filter.mayHave(digestOf(i), 0)) wrong++;
  assert.ok(wrong < 10, `${wrong}`);
});
