import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { copyOctets } from '../../../core/base/copy-octets.ts';

function filled(shared: boolean, size: number, octet: number): Uint8Array {
  return new Uint8Array(shared ? new SharedArrayBuffer(size) : new ArrayBuffer(size)).fill(octet);
}

it('copyOctets copies what set copies, whichever side is shared, and touches nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(20), fc.nat(20), fc.boolean(), fc.boolean(), (data, before, after, from, to) => {
      const source = filled(from, data.length + 2, 0xaa).subarray(1, data.length + 1);
      source.set(data);
      const target = filled(to, before + data.length + after, 0x55);
      const expected = new Uint8Array(target);
      expected.set(data, before);
      copyOctets(target, before, source);
      assert.deepEqual(new Uint8Array(target), expected);
    }),
  );
});

it('copyOctets refuses to write beyond its target', () => {
  const target = new Uint8Array(8);
  assert.throws(() => copyOctets(target, 5, new Uint8Array(4)), RangeError);
  assert.throws(() => copyOctets(target, -1, new Uint8Array(4)), RangeError);
  assert.throws(() => copyOctets(target, 9, new Uint8Array(0)), RangeError);
  assert.deepEqual(target, new Uint8Array(8));
});
