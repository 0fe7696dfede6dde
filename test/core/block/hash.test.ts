import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { blake3 } from '@noble/hashes/blake3.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { sha3_256 } from '@noble/hashes/sha3.js';
import fc from 'fast-check';
import { ParseError, VtError } from '../../../core/base/errors.ts';
import type { HashName } from '../../../core/block/hash.ts';
import { CONTENT_HASH_NAMES, DEFAULT_HASH_NAME, hashByEnumeration, hashByName, MAX_DIGEST_SIZE } from '../../../core/block/hash.ts';
import { decodeHashcode, hashcodeOf } from '../../../core/block/hashcode.ts';
import { parseHashcode } from '../../../core/block/hashcode-text.ts';

const REFERENCES: Readonly<Record<Exclude<HashName, 'sealed'>, (data: Uint8Array) => Uint8Array>> = {
  sha1,
  sha256,
  blake3,
  'sha3-256': sha3_256,
};

/** The name, its number in bytes, its size, and the digest of "abc" by FIPS 180-4, FIPS 202 and the BLAKE3 paper. */
const HASHES: readonly { name: Exclude<HashName, 'sealed'>; enumeration: number; size: number; abc: string }[] = [
  { name: 'sha1', enumeration: 0, size: 20, abc: 'a9993e364706816aba3e25717850c26c9cd0d89d' },
  { name: 'sha256', enumeration: 1, size: 32, abc: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' },
  { name: 'blake3', enumeration: 2, size: 32, abc: '6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85' },
  { name: 'sha3-256', enumeration: 3, size: 32, abc: '3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532' },
];

describe('hash functions', () => {
  it('SHA-3-256 is the default, and the names are those of the table', () => {
    assert.equal(DEFAULT_HASH_NAME, 'sha3-256');
    assert.deepEqual(
      CONTENT_HASH_NAMES,
      HASHES.map(({ name }) => name),
    );
    assert.equal(MAX_DIGEST_SIZE, Math.max(...HASHES.map(({ size }) => size)));
  });

  for (const { name, enumeration, size, abc } of HASHES) {
    it(`${name} has number ${enumeration} and ${size} octets, and gives the published digest of "abc"`, () => {
      const hash = hashByName(name);
      assert.equal(hash.enumeration, enumeration);
      assert.equal(hash.digestSize, size);
      assert.equal(hashByEnumeration(enumeration), hash);
      assert.equal(Buffer.from(hash.digest(Buffer.from('abc'))).toString('hex'), abc);
    });

    it(`${name} gives the digests of @noble/hashes, for bytes of all lengths, views of shared memory too`, () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 5000 }), (data) => {
          const expected = Buffer.from(REFERENCES[name](data)).toString('hex');
          assert.equal(Buffer.from(hashByName(name).digest(data)).toString('hex'), expected);
          const shared = new Uint8Array(new SharedArrayBuffer(data.length + 3), 3);
          shared.set(data);
          assert.equal(Buffer.from(hashByName(name).digest(shared)).toString('hex'), expected);
        }),
        { numRuns: 40 },
      );
    });

    it(`a ${name} hashcode of another size is refused, in bytes and in text`, () => {
      const { digest } = hashcodeOf(name, Buffer.from('abc'));
      for (let length = 0; length < size; length++) {
        assert.throws(() => decodeHashcode(Buffer.concat([Buffer.of(enumeration), digest.subarray(0, length)]), 0), ParseError);
        assert.throws(() => parseHashcode(`H{${name}:${abc.slice(0, length * 2)}}`), ParseError);
      }
      assert.throws(() => parseHashcode(`H{${name}:${abc}00}`), ParseError);
    });
  }

  it('a name or number that no hash function has is refused', () => {
    assert.throws(
      () => hashByName('md5'),
      (error) => error instanceof VtError && error.code === 'EUNSUPPORTED',
    );
    assert.equal(hashByEnumeration(5), undefined);
    assert.throws(() => decodeHashcode(Buffer.alloc(33, 5), 0), ParseError);
    assert.throws(() => parseHashcode(`H{md5:${'00'.repeat(16)}}`), ParseError);
  });
});
