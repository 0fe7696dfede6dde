import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RecentBlocks } from '../../../core/datadir/recent-blocks.ts';
import type { RecordLayout } from '../../../core/store/records/record-layout.ts';

const SIZE = 20;

/** Digests that fall together in the table in all possible ways. */
function digestOf(number: number): Uint8Array {
  const digest = new Uint8Array(SIZE);
  digest[0] = number % 3;
  digest[4] = number % 5;
  digest[SIZE - 2] = number >> 8;
  digest[SIZE - 1] = number & 0xff;
  return digest;
}

type Step =
  | { readonly kind: 'add'; readonly numbers: readonly number[]; readonly file: number }
  | { readonly kind: 'fail'; readonly numbers: readonly number[] }
  | { readonly kind: 'remove'; readonly number: number }
  | { readonly kind: 'index' }
  | { readonly kind: 'drop' };

const numbers = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 60 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), numbers, file: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ kind: fc.constant('fail' as const), numbers }),
  fc.record({ kind: fc.constant('remove' as const), number: fc.integer({ min: 0, max: 400 }) }),
  fc.record({ kind: fc.constant('index' as const) }),
  fc.record({ kind: fc.constant('drop' as const) }),
);

/** The columns of a layout of plain records, one after the other. */
function layoutOf(storedSizes: readonly number[], headerSize: number): Pick<RecordLayout, 'offsets' | 'storedSizes' | 'codecs'> {
  let at = 0;
  const offsets = Float64Array.from(storedSizes, (size) => {
    const offset = at + headerSize;
    at = offset + size;
    return offset;
  });
  return { offsets, storedSizes: Uint32Array.from(storedSizes), codecs: new Uint8Array(storedSizes.length) };
}

test('recent Blocks are found as a Map finds them, whatever was added, taken back, removed, indexed and dropped', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const recent = new RecentBlocks(SIZE, 100);
      const model = new Map<number, { readonly file: string; readonly offset: number; readonly storedSize: number; indexed: boolean }>();
      let offset = 0;
      for (const taken of steps) {
        switch (taken.kind) {
          case 'add': {
            const fresh = [...new Set(taken.numbers)].filter((number) => !model.has(number));
            const from = recent.position;
            for (const number of fresh) recent.add(digestOf(number), 0, number + 1);
            recent.place(
              from,
              `file ${taken.file}`,
              offset,
              layoutOf(
                fresh.map((number) => number + 2),
                9,
              ),
            );
            for (const number of fresh) {
              offset += 9;
              model.set(number, { file: `file ${taken.file}`, offset, storedSize: number + 2, indexed: false });
              offset += number + 2;
            }
            break;
          }
          case 'fail': {
            const from = recent.position;
            for (const number of new Set(taken.numbers)) if (!model.has(number)) recent.add(digestOf(number), 0, 1);
            recent.forgetFrom(from);
            break;
          }
          case 'remove': {
            const entry = recent.find(digestOf(taken.number), 0);
            assert.equal(entry >= 0, model.delete(taken.number));
            if (entry >= 0) recent.remove(entry);
            break;
          }
          case 'index': {
            const upTo = recent.position;
            const waiting = [...recent.waiting(upTo)].map(([digest, location]) => [Buffer.from(digest).toString('hex'), location.offset]);
            const expected = [...model]
              .filter(([, { indexed }]) => !indexed)
              .map(([number, found]) => [Buffer.from(digestOf(number)).toString('hex'), found.offset]);
            assert.deepEqual(new Map(waiting as [string, number][]), new Map(expected as [string, number][]));
            recent.markIndexed(upTo);
            for (const found of model.values()) found.indexed = true;
            break;
          }
          case 'drop': {
            const dropped: number[] = [];
            recent.dropIndexed((digests, at) => dropped.push(((digests[at + SIZE - 2] ?? 0) << 8) | (digests[at + SIZE - 1] ?? 0)));
            for (const [number, { indexed }] of [...model]) {
              if (!indexed) continue;
              assert.ok(dropped.includes(number));
              model.delete(number);
            }
            break;
          }
        }
        for (let number = 0; number <= 400; number += 7) {
          const entry = recent.find(digestOf(number), 0);
          const found = model.get(number);
          assert.equal(entry >= 0, found !== undefined, `${number}`);
          if (found === undefined) continue;
          const { file, offset: at, storedSize } = found;
          assert.deepEqual(recent.location(entry), { file, offset: at, storedSize, size: storedSize - 1, codec: 'none' });
          assert.equal(recent.isWaiting(entry), !found.indexed);
        }
      }
    }),
  );
});

test('recent Blocks of a file that wait for the index are listed, and once they are removed found no more', () => {
  const recent = new RecentBlocks(SIZE, 100);
  for (const [i, file] of ['a', 'b', 'a'].entries()) {
    const from = recent.position;
    recent.add(digestOf(i), 0, 10);
    recent.place(from, file, 100 * i, layoutOf([10], 50));
  }
  const listed = recent.waitingIn('a');
  assert.deepEqual(
    listed.map(({ digest, location: { file, offset } }) => [digest, file, offset]),
    [
      [digestOf(0), 'a', 50],
      [digestOf(2), 'a', 250],
    ],
  );
  for (const { entry } of listed) recent.remove(entry);
  assert.deepEqual(
    [0, 1, 2].map((i) => recent.find(digestOf(i), 0) >= 0),
    [false, true, false],
  );
  assert.deepEqual(
    [...recent.waiting(recent.position)].map(([, { file, offset }]) => [file, offset]),
    [['b', 150]],
  );
});
