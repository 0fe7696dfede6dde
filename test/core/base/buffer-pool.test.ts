import assert from 'node:assert/strict';
import { it } from 'node:test';
import { BufferPool } from '../../../core/base/buffer-pool.ts';

it('memory that was given back is used again, as much as is to be kept, and other sizes are new', () => {
  const pool = new BufferPool(4096, 2);
  const first = [pool.take(4096), pool.take(1024), pool.take(2000)];
  for (const buffer of first) assert.equal(buffer.length, 4096);
  assert.equal(new Set(first).size, 3);
  for (const buffer of first) pool.give(buffer);
  const again = [pool.take(3000), pool.take(3000), pool.take(3000)];
  assert.deepEqual(new Set(again.slice(0, 2)), new Set(first.slice(0, 2)));
  assert.ok(!first.includes(again[2] as Buffer), 'more than two are not kept');
  // What is much smaller, or larger, has memory of its own size, and is not kept.
  for (const size of [1, 1023, 4097]) {
    const other = pool.take(size);
    assert.equal(other.length, size);
    pool.give(other);
  }
  assert.equal(pool.take(1023).length, 1023);
});
