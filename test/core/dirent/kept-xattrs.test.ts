import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeBsuint } from '../../../core/base/bsuint.ts';
import { ParseError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { EMPTY_BLOCK } from '../../../core/block/block.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { decodeDirent, encodeDirent } from '../../../core/dirent/dirent-codec.ts';
import { xattrNames, xattrOf } from '../../../core/dirent/kept-xattrs.ts';
import { decodeXattrs, MAX_XATTRS } from '../../../core/dirent/xattrs-codec.ts';
import { numbered } from '../../support/bombs/bomb.ts';

/** Attributes that stay as they stand in the Dirent. */
const COUNT = 3000;

function withXattrs(count: number): Dirent {
  const xattrs = new Map(Array.from({ length: count }, (_, i) => [`user.${numbered(i)}` as Octets, Buffer.from(`${i}`)]));
  return { kind: 'file', name: 'f' as Octets, meta: { mode: 0o644, xattrs }, block: EMPTY_BLOCK };
}

function decoded(encoded: Uint8Array): Dirent {
  return decodeDirent(encoded, 0).value;
}

/** A Dirent whose attributes stand in these bytes. */
function direntOf(xattrs: Uint8Array): Buffer {
  const field = Buffer.concat([encodeBsuint(8), encodeBsuint(xattrs.length), xattrs]);
  const body = Buffer.concat([Buffer.from([0x76, ...encodeDirent(withXattrs(0)).subarray(2, 4), 2, 1, 2, 1, 0x66]), field]);
  return Buffer.concat([encodeBsuint(body.length), body]);
}

function one(name: string, value: string, lengthOfName: Uint8Array = encodeBsuint(name.length)): Buffer {
  return Buffer.concat([lengthOfName, Buffer.from(name, 'latin1'), encodeBsuint(value.length), Buffer.from(value, 'latin1')]);
}

describe('many extended attributes', () => {
  it('come out as they went in: one by one, by their names, all of them, and as bytes', () => {
    const encoded = encodeDirent(withXattrs(COUNT));
    const dirent = decoded(encoded);
    assert.deepEqual(encodeDirent(dirent), encoded);
    for (const i of [0, 17, COUNT - 1])
      assert.equal(Buffer.from(xattrOf(dirent.meta, `user.${numbered(i)}` as Octets) ?? []).toString(), `${i}`);
    assert.equal(xattrOf(dirent.meta, 'user.n' as Octets), undefined);
    assert.deepEqual(xattrNames(dirent.meta, 1e6), [...(withXattrs(COUNT).meta.xattrs?.keys() ?? [])]);
    assert.equal(xattrNames(dirent.meta, 1000), undefined);
    assert.deepEqual(
      [...(dirent.meta.xattrs ?? [])].map(([name, value]) => [name, Buffer.from(value)]),
      [...(withXattrs(COUNT).meta.xattrs ?? [])],
    );
    assert.equal(dirent.meta.xattrs, dirent.meta.xattrs);
    assert.deepEqual(encodeDirent(dirent), encoded);
  });

  it('a copy of the metadata with others has those alone', () => {
    const { meta, ...rest } = decoded(encodeDirent(withXattrs(COUNT)));
    const changed = { ...rest, meta: { ...meta, xattrs: new Map([['user.a' as Octets, Buffer.from('1')]]) } } as Dirent;
    assert.equal(xattrOf(changed.meta, 'user.n00000000' as Octets), undefined);
    assert.deepEqual([...(decoded(encodeDirent(changed)).meta.xattrs?.keys() ?? [])], ['user.a']);
    const copied = { ...rest, meta: { ...meta, mode: 0o600 } } as Dirent;
    assert.equal(decoded(encodeDirent(copied)).meta.xattrs?.size, COUNT);
  });

  it('data is copied: what it lay in may be used again', () => {
    const encoded = encodeDirent(withXattrs(COUNT));
    const dirent = decoded(encoded);
    encoded.fill(0);
    assert.equal(dirent.meta.xattrs?.size, COUNT);
  });

  it('what is broken is found when the Dirent is decoded, also far behind', () => {
    const many = [...decodeXattrs(Buffer.concat(Array.from({ length: COUNT }, (_, i) => one(numbered(i), 'v'))))].map(([name]) => name);
    assert.equal(many.length, COUNT);
    const whole = Buffer.concat(many.map((name) => one(name, 'v')));
    for (const [what, bad] of [
      ['a name twice', one(numbered(COUNT - 1), 'v')],
      ['a name that is lower', one('a', 'v')],
      ['an empty name', one('', 'v')],
      ['a value that is cut short', Buffer.concat([one('z', 'v').subarray(0, 2), Buffer.from([9, 1])])],
      ['a length without its end', Buffer.from([0x81])],
    ] as const)
      assert.throws(() => decoded(direntOf(Buffer.concat([whole, bad]))), ParseError, what);
    for (let end = whole.length - 1; end > whole.length - 11; end--)
      assert.throws(() => decoded(direntOf(whole.subarray(0, end))), ParseError);
  });

  it('a length with redundant octets is read, and written without them', () => {
    const plain = Buffer.concat(Array.from({ length: COUNT }, (_, i) => one(numbered(i), 'v')));
    const redundant = Buffer.concat([one(numbered(0), 'v', Buffer.from([0x80, 9])), plain.subarray(one(numbered(0), 'v').length)]);
    assert.deepEqual(encodeDirent(decoded(direntOf(redundant))), encodeDirent(decoded(direntOf(plain))));
  });

  it('are bounded', () => {
    const most = encodeDirent(withXattrs(MAX_XATTRS));
    assert.equal(decoded(most).meta.xattrs?.size, MAX_XATTRS);
    assert.throws(() => encodeDirent(withXattrs(MAX_XATTRS + 1)), RangeError);
    const more = Buffer.concat(Array.from({ length: MAX_XATTRS + 1 }, (_, i) => one(numbered(i), 'v')));
    assert.throws(() => decoded(direntOf(more)), /more than 65536/);
  });
});
