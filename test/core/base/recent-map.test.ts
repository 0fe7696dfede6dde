import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentMap } from '../../../core/base/recent-map.ts';
import { makeRandom } from '../../support/random.ts';

test('of more values than there is room for, those stay that were used', () => {
  const map = new RecentMap<number, string>({ maxSize: 3 });
  for (const key of [1, 2, 3]) map.set(key, `value ${key}`);
  assert.equal(map.get(1), 'value 1');
  map.set(4, 'value 4');
  assert.deepEqual(
    [1, 2, 3, 4].map((key) => map.get(key)),
    ['value 1', undefined, 'value 3', 'value 4'],
  );
});

test('where all were used, the one goes that came first', () => {
  const map = new RecentMap<number, number>({ maxSize: 3 });
  for (const key of [1, 2, 3]) map.set(key, key);
  for (const key of [3, 2, 1]) map.get(key);
  map.set(4, 4);
  assert.deepEqual(
    [1, 2, 3, 4].map((key) => map.has(key)),
    [false, true, true, true],
  );
});

test('a value that is asked for whether it is there does not count as used', () => {
  const map = new RecentMap<number, number>({ maxSize: 2 });
  map.set(1, 1);
  map.set(2, 2);
  assert.ok(map.has(1));
  map.set(3, 3);
  assert.deepEqual(
    [1, 2, 3].map((key) => map.has(key)),
    [false, true, true],
  );
});

test('a value that is larger than the limit is not kept, nor is what it replaces', () => {
  const map = new RecentMap<string, string>({ maxSize: 5, sizeOf: ({ length }) => length });
  assert.equal(map.set('key', 'small'), true);
  assert.equal(map.set('other', ''), true);
  assert.equal(map.set('key', 'larger'), false);
  assert.deepEqual([map.get('key'), map.get('other')], [undefined, '']);
});

test('random uses: sizes stay within the limit, what is there is what was set last, and each value is dropped once', () => {
  const seed = Date.now() % 1_000_000;
  const random = makeRandom(seed);
  for (let round = 0; round < 50; round++) {
    const maxSize = 1 + random.below(60);
    const held = new Set<object>();
    const last = new Map<number, { readonly size: number }>();
    const map = new RecentMap<number, { readonly size: number }>({
      maxSize,
      sizeOf: ({ size }) => size,
      dropped: (value) => assert.ok(held.delete(value), `seed ${seed}: dropped twice`),
    });
    for (let step = 0; step < 400; step++) {
      const key = random.below(20);
      if (random.chance(50)) {
        const value = { size: random.below(20) };
        last.set(key, value);
        if (map.set(key, value)) held.add(value);
        assert.equal(map.get(key), held.has(value) ? value : undefined);
      } else if (random.chance(10)) map.delete(key);
      else {
        const found = map.get(key);
        assert.ok(found === undefined || (found === last.get(key) && held.has(found)), `seed ${seed}`);
      }
      const sum = [...held].reduce<number>((total, value) => total + (value as { size: number }).size, 0);
      assert.ok(sum <= maxSize, `seed ${seed}: ${sum} of ${maxSize}`);
      assert.equal([...last.keys()].filter((one) => map.has(one)).length, held.size, `seed ${seed}`);
    }
    map.clear();
    assert.equal(held.size, 0, `seed ${seed}`);
  }
});
