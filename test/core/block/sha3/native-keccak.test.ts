import assert from 'node:assert/strict';
import { hash as nodeHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import { sha3_256 } from '@noble/hashes/sha3.js';
import fc from 'fast-check';
import { processorFlags } from '../../../../core/base/system/native-code.ts';
import { HASH_SCRATCH_SIZE, hashByName } from '../../../../core/block/hash.ts';
import { type DigestMany, nativeKeccak } from '../../../../core/block/sha3/native-keccak.ts';

const RATE = 136;
const DIGEST_SIZE = 32;
const MIB = 1024 * 1024;
const PAGE_SIZE = 4096;

function sha3(data: Uint8Array): Uint8Array {
  return nodeHash('sha3-256', data, 'buffer');
}

function patterned(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (Math.imul(i + seed, 0x9e3779b1) >>> 13) & 0xff);
}

/** Digests of messages that lie one after the other, `gap` octets apart, in hexadecimal. */
function digested(kernel: DigestMany, messages: readonly Uint8Array[], gap = 0): string[] {
  const bytes = new Uint8Array(messages.reduce((sum, { length }) => sum + gap + length, 0));
  const ranges: number[] = [];
  let at = 0;
  for (const message of messages) {
    at += gap;
    bytes.set(message, at);
    ranges.push(at, at + message.length);
    at += message.length;
  }
  return digestsOf(kernel, bytes, ranges);
}

function digestsOf(kernel: DigestMany, bytes: Uint8Array, ranges: readonly number[]): string[] {
  const digests = new Uint8Array((ranges.length / 2) * DIGEST_SIZE);
  kernel(bytes, ranges, digests);
  return Array.from({ length: ranges.length / 2 }, (_, i) => Buffer.from(digests.subarray(i * 32, i * 32 + 32)).toString('hex'));
}

function expected(messages: readonly Uint8Array[], by = sha3): string[] {
  return messages.map((message) => Buffer.from(by(message)).toString('hex'));
}

/** Of FIPS 202's example values, and of the SHA-3 competition. */
const EXAMPLES: readonly (readonly [data: Buffer, digest: string])[] = [
  [Buffer.alloc(0), 'a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a'],
  [Buffer.from('abc'), '3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532'],
  [
    Buffer.from('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'),
    '41c0dba2a9d6240849100376a8235e2c82e1b9998a999e21db32dd97496d3376',
  ],
  [Buffer.alloc(200, 0xa3), '79f38adec5c20307a98ef76e8324afbfd46cfd81b22e3973c65fa1bd9de31787'],
  [Buffer.alloc(1_000_000, 0x61), '5c8875ae474a3634ba4fd55ec85bffd661f32aca75c6d699d0cdcb6c115891c1'],
];

for (const { name, flag } of [
  { name: 'avx512', flag: 'avx512f' },
  { name: 'avx2', flag: 'avx2' },
]) {
  const skip = processorFlags().has(flag) ? false : `this processor has no ${flag}`;
  describe(`the SHA-3-256 kernel ${name}`, { skip }, () => {
    const kernel = nativeKeccak(sha3, name);
    assert.ok(skip !== false || kernel !== undefined);
    // Where it cannot run, nothing below does.
    const digestMany = kernel ?? (() => undefined);

    it('gives the digests of the published examples, alone and beside others', () => {
      for (const count of [1, 2, 5, 9, 20]) {
        for (const [data, digest] of EXAMPLES)
          assert.deepEqual(new Set(digested(digestMany, Array(count).fill(data), 3)), new Set([digest]));
      }
      assert.deepEqual(
        digested(
          digestMany,
          EXAMPLES.map(([data]) => data),
          7,
        ),
        EXAMPLES.map(([, digest]) => digest),
      );
    });

    it('is right at every length to 700 octets, and around each multiple of a block, at any start', () => {
      const lengths = Array.from({ length: 701 }, (_, length) => length);
      for (let blocks = 6; blocks < 100; blocks += 7) lengths.push(...[-9, -8, -1, 0, 1, 7, 8].map((more) => blocks * RATE + more));
      const messages = lengths.map((length) => patterned(length, length));
      const digests = expected(messages, sha3_256);
      for (const gap of [0, 1, 2, 3, 5]) assert.deepEqual(digested(digestMany, messages, gap), digests);
    });

    it('is right for messages of any lengths, in any mix and number, in memory that threads share or not', () => {
      const shared = new Uint8Array(new SharedArrayBuffer(4 * MIB));
      shared.set(patterned(shared.length, 1));
      const own = Uint8Array.from(shared);
      const message = fc.tuple(fc.nat(MIB), fc.oneof(fc.nat(300), fc.nat(20_000), fc.constant(MIB)));
      fc.assert(
        fc.property(fc.array(message, { maxLength: 40 }), (messages) => {
          const ranges = messages.flatMap(([start, size]) => [start, start + size]);
          const digests = expected(messages.map(([start, size]) => own.subarray(start, start + size)));
          assert.deepEqual(digestsOf(digestMany, shared, ranges), digests);
          assert.deepEqual(digestsOf(digestMany, own.subarray(0), ranges), digests);
        }),
        { numRuns: 60 },
      );
    });

    it('takes more messages than its memory holds', () => {
      const messages = Array.from({ length: 10_000 }, (_, i) => patterned(i % 300, i));
      assert.deepEqual(digested(digestMany, messages), expected(messages));
    });

    it('reads no octet beyond a message, where the next page of memory cannot be read', () => {
      const page = lastReadablePage();
      page.set(patterned(PAGE_SIZE, 4));
      for (let length = 0; length < 600; length++) {
        const start = PAGE_SIZE - length;
        const ranges = Array.from({ length: 9 }, () => [start, PAGE_SIZE]).flat();
        assert.deepEqual(new Set(digestsOf(digestMany, page, ranges)), new Set(expected([page.subarray(start)])));
      }
    });

    it('writes the digests and nothing beside them', () => {
      const around = new Uint8Array(7 + 9 * DIGEST_SIZE + 7).fill(0x5a);
      const bytes = patterned(9000, 3);
      const ranges = Array.from({ length: 9 }, (_, i) => [i * 1000, i * 1000 + 900 + i]).flat();
      digestMany(bytes, ranges, around.subarray(7, -7));
      assert.deepEqual(bytes, patterned(9000, 3));
      assert.deepEqual([...around.subarray(0, 7), ...around.subarray(-7)], Array(14).fill(0x5a));
    });

    it('leaves to node:crypto a message that would keep a side busy when the others have ended', () => {
      const alone: number[] = [];
      const other = nativeKeccak((data) => {
        alone.push(data.length);
        return sha3(data);
      }, name);
      const messages = [patterned(300, 1), patterned(90_000, 2), patterned(400, 3)];
      assert.deepEqual(other && digested(other, messages), expected(messages));
      assert.deepEqual(alone, [90_000]);
      assert.deepEqual(other && digested(other, Array(9).fill(messages[1])), Array(9).fill(expected(messages)[1]));
      assert.deepEqual(alone, [90_000]);
    });
  });
}

describe('the choice of a native kernel', () => {
  it('is switched off by VTFTP_NATIVE=0, and no other name is taken for one', () => {
    for (const name of ['0', 'AVX2', 'sse']) assert.equal(nativeKeccak(sha3, name), undefined);
  });

  it('changes no digest of the hash function, from the first octets on', () => {
    const hash = hashByName('sha3-256');
    const messages = Array.from({ length: 40 }, (_, i) => patterned(9000 + i, i));
    const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
    const bytes = new Uint8Array(memory.buffer);
    const ranges: number[] = [];
    let at = HASH_SCRATCH_SIZE;
    for (const message of messages) {
      bytes.set(message, at);
      ranges.push(at, at + message.length);
      at += message.length;
    }
    const digester = hash.digesterOf(memory, 0);
    // Some MiB, so that every kernel has its turn.
    for (let i = 0; i < 12; i++) {
      assert.deepEqual(
        digestsOf((_, places, digests) => digester(places, digests), bytes, ranges),
        expected(messages),
      );
      assert.deepEqual(digested(hash.digestMany, messages), expected(messages));
    }
  });
});

/** A page of memory before one that cannot be read. */
function lastReadablePage(): Uint8Array {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  const libc = koffi.load(null);
  // sys/mman.h: PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS; PROT_NONE.
  const at = libc.func('void *mmap(void *, size_t, int, int, int, int64)')(null, 2 * PAGE_SIZE, 3, 0x22, -1, 0) as bigint;
  assert.equal(libc.func('int mprotect(int64, size_t, int)')(koffi.address(at) + BigInt(PAGE_SIZE), PAGE_SIZE, 0), 0);
  return new Uint8Array(koffi.view(at, PAGE_SIZE));
}
