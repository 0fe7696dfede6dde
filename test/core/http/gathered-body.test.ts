import assert from 'node:assert/strict';
import { it } from 'node:test';
import { GatheredBody } from '../../../core/http/client/gathered-body.ts';
import { makeRandom } from '../../support/random.ts';

it('pieces of any size are one in their order', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = makeRandom(seed);
    const body = new GatheredBody();
    const pieces = Array.from({ length: 200 }, () => random.bytes(random.below(random.below(2) === 0 ? 3 : 70_000)));
    for (const piece of pieces) body.add(piece);
    const all = Buffer.concat(pieces);
    assert.equal(body.size, all.length);
    assert.ok(body.take().equals(all), `seed ${seed}`);
  }
});

it('octets that come one by one take little more memory than together', () => {
  const before = process.memoryUsage().arrayBuffers;
  const body = new GatheredBody();
  const octet = Buffer.from('x');
  for (let i = 0; i < 4 * 1024 * 1024; i++) body.add(octet);
  assert.ok(process.memoryUsage().arrayBuffers - before < 32 * 1024 * 1024);
  assert.equal(body.take().length, 4 * 1024 * 1024);
});
