import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { EMPTY_BLOCK } from '../../../core/block/block.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { decodeDirent, encodeDirent } from '../../../core/dirent/dirent-codec.ts';
import { dirents } from '../../support/arbitraries.ts';
import { refusesAt, refusesEveryTruncation, survivesEveryBitFlip } from '../../support/fuzz/decoding.ts';

const name = (text: string): Octets => text as Octets;
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** Made by hand from vt(5). */
const BY_HAND: readonly { what: string; dirent: Dirent; hex: string }[] = [
  { what: 'an empty root', dirent: { kind: 'dir', name: name(''), meta: {}, block: EMPTY_BLOCK }, hex: '04 76 01 01 00' },
  {
    what: 'a file whose bytes stand in it',
    dirent: { kind: 'file', name: name('a'), meta: {}, block: { kind: 'literal', span: 2, data: Buffer.from('hi') } },
    hex: '0e 76 01 00 02  01 01 61  02 05 02 02 02 68 69',
  },
  {
    what: 'a symlink whose name is no UTF-8',
    dirent: { kind: 'symlink', name: name('\xff'), meta: { mode: 0o777 }, target: name('..') },
    hex: '0f 76 01 02 03  01 01 ff  06 02 2e 2e  40 02 83 7f',
  },
  {
    what: 'a file of half a second before 1970',
    dirent: { kind: 'file', name: name('b'), meta: { mtimeNs: -500_000_000n }, block: EMPTY_BLOCK },
    hex: '0f 76 01 00 02  01 01 62  45 06 01 81 ee b5 ca 00',
  },
  {
    what: 'a device with an xattr',
    dirent: {
      kind: 'char',
      name: name('null'),
      meta: { rdev: { major: 1, minor: 3 }, xattrs: new Map([[name('user.a'), Uint8Array.of(0, 255)]]), mode: 0o600 },
    },
    hex: '1e 76 01 06 04  01 04 6e 75 6c 6c  07 02 01 03  08 0a 06 75 73 65 72 2e 61 02 00 ff  40 02 83 00',
  },
  {
    what: 'a name of a hard-linked node',
    dirent: { kind: 'indirect', name: name('h'), meta: {}, uuid: '01234567-89ab-cdef-0123-456789abcdef' },
    hex: '19 76 01 03 02  01 01 68  03 10 01 23 45 67 89 ab cd ef 01 23 45 67 89 ab cd ef',
  },
];

describe('Dirents in bytes', () => {
  for (const { what, dirent, hex: expected } of BY_HAND) {
    it(`${what} has the bytes made by hand`, () => {
      const bytes = hex(expected);
      assert.equal(encodeDirent(dirent).toString('hex'), bytes.toString('hex'));
      const { value, next } = decodeDirent(bytes, 0);
      assert.equal(next, bytes.length);
      assert.deepEqual(encodeDirent(value), bytes);
    });
  }

  it('any Dirent decodes to itself, wherever it stands', () => {
    fc.assert(
      fc.property(dirents, fc.nat({ max: 9 }), (dirent, before) => {
        const encoded = encodeDirent(dirent);
        const { value, next } = decodeDirent(Buffer.concat([Buffer.alloc(before), encoded, Buffer.alloc(3)]), before);
        assert.equal(next, before + encoded.length);
        assert.deepEqual(value, dirent);
        assert.deepEqual(encodeDirent(value), encoded);
      }),
    );
  });

  it('a Dirent cut short is refused at whatever length, and a flipped bit gives a value or a VtError', () => {
    fc.assert(
      fc.property(dirents, (dirent) => {
        const encoded = encodeDirent(dirent);
        refusesEveryTruncation(encoded, (data) => decodeDirent(data, 0));
        survivesEveryBitFlip(encoded, (data) => decodeDirent(data, 0));
      }),
      { numRuns: 40 },
    );
  });

  it('random octets give a value or a VtError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), (data) =>
        survivesEveryBitFlip(data, (damaged) => decodeDirent(damaged, 0)),
      ),
      {
        numRuns: 50,
      },
    );
  });

  it('an optional field of a later version is kept as it came', () => {
    const later = hex('0a 76 01 01 01  4a 04 01 02 03 04');
    const { value } = decodeDirent(later, 0);
    assert.deepEqual(value.unknown, [{ tag: 0x4a, value: Uint8Array.of(1, 2, 3, 4) }]);
    assert.deepEqual(encodeDirent(value), later);
  });

  const UNSUPPORTED = [
    { what: 'a critical field that is not known', hex: '06 76 01 01 01  0a 00' },
    { what: 'a later version', hex: '04 76 02 01 00' },
    { what: 'a kind that is not known', hex: '04 76 01 08 00' },
  ];
  for (const { what, hex: bytes } of UNSUPPORTED) {
    it(`${what} is refused as unsupported`, () => {
      assert.throws(
        () => decodeDirent(hex(bytes), 0),
        (error) => error instanceof VtError && error.code === 'EUNSUPPORTED',
      );
    });
  }

  const MALFORMED = [
    { what: 'fields out of order', hex: '0a 76 01 00 02  40 01 00  01 01 61', offset: 8 },
    { what: 'a field twice', hex: '0a 76 01 00 02  01 01 61  01 01 61', offset: 8 },
    { what: 'more octets than fields', hex: '05 76 01 00 00 00', offset: 5 },
    { what: 'a name with a slash', hex: '09 76 01 00 01  01 03 61 2f 62', offset: 5 },
    { what: 'the name ..', hex: '08 76 01 00 01  01 02 2e 2e', offset: 5 },
    { what: 'a name with NUL', hex: '08 76 01 00 01  01 02 61 00', offset: 5 },
    { what: 'a file with a target', hex: '07 76 01 00 01  06 01 61', offset: 5 },
    { what: 'a symlink without one', hex: '04 76 01 02 00', offset: 5 },
    { what: 'a hard link without its uuid', hex: '04 76 01 03 00', offset: 5 },
    { what: 'a mode beyond 07777', hex: '08 76 01 00 01  40 02 a0 00', offset: 7 },
    { what: 'a uuid of 2 octets', hex: '08 76 01 00 01  03 02 00 00', offset: 7 },
    { what: 'a billion nanoseconds', hex: '0c 76 01 00 01  45 06 00 83 dc eb 94 00', offset: 8 },
    { what: 'salt of 7 octets', hex: '0d 76 01 01 01  09 07 01 02 03 04 05 06 07', offset: 5 },
    { what: 'another letter than v', hex: '04 77 01 00 00', offset: 1 },
  ];
  for (const { what, hex: bytes, offset } of MALFORMED) {
    it(`${what} is a ParseError at its offset`, () => {
      refusesAt(offset, () => decodeDirent(hex(bytes), 0));
    });
  }

  it('what no Dirent can have is a RangeError when encoding', () => {
    const file: Dirent = { kind: 'file', name: name('a'), meta: {}, block: EMPTY_BLOCK };
    const bad: Dirent[] = [
      { ...file, name: name('a/b') },
      { ...file, name: name('..') },
      { ...file, meta: { mode: 0o10000 } },
      { ...file, meta: { uid: -1 } },
      { ...file, meta: { mtimeNs: 2n ** 51n * 1_000_000_000n } },
      { ...file, uuid: 'nonsense' },
      { ...file, block: { kind: 'hash', span: -1, hashcode: { hashName: 'sha1', digest: new Uint8Array(20) } } },
      { ...file, unknown: [{ tag: 64, value: new Uint8Array(0) }] },
    ];
    for (const dirent of bad) assert.throws(() => encodeDirent(dirent), RangeError);
  });
});
