import assert from 'node:assert/strict';
import { hash as nodeHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { sha3_256 } from '@noble/hashes/sha3.js';
import fc from 'fast-check';
import { HASH_SCRATCH_SIZE, hashByName } from '../../../../core/block/hash.ts';
import type { MemoryDigester } from '../../../../core/block/memory-digester.ts';
import { KECCAK_SCRATCH_SIZE, loadKeccakKernel, SHA3_256_RATE } from '../../../../core/block/sha3/keccak-kernel.ts';
import { useNativeKernel } from '../../../../core/block/sha3/native-keccak.ts';

// What follows is about the kernel in WebAssembly, also where there is a faster one.
useNativeKernel('0');

const PAGE_SIZE = 64 * 1024;
const SCRATCH_AT = PAGE_SIZE;
const DATA_AT = SCRATCH_AT + KECCAK_SCRATCH_SIZE;

const memory = new WebAssembly.Memory({ initial: 8, maximum: 8, shared: true });
const bytes = new Uint8Array(memory.buffer);

function sha3(data: Uint8Array): Uint8Array {
  return nodeHash('sha3-256', data, 'buffer');
}

function loaded(alone: (data: Uint8Array) => Uint8Array = sha3): MemoryDigester {
  const kernel = loadKeccakKernel(memory, SCRATCH_AT, alone);
  assert.ok(kernel !== undefined);
  return kernel;
}

function hexOf(digests: Uint8Array): string[] {
  return Array.from({ length: digests.length / 32 }, (_, i) => Buffer.from(digests.subarray(i * 32, i * 32 + 32)).toString('hex'));
}

/** Puts messages into the memory, `gap` octets apart, the last one at its very end. */
function placed(messages: readonly Uint8Array[], gap: number): Uint32Array {
  let at = bytes.length - messages.reduce((sum, { length }) => sum + length + gap, 0) + gap;
  assert.ok(at >= DATA_AT);
  const ranges: number[] = [];
  for (const message of messages) {
    bytes.set(message, at);
    ranges.push(at, at + message.length);
    at += message.length + gap;
  }
  assert.equal(ranges.at(-1), bytes.length);
  return Uint32Array.from(ranges);
}

function digested(kernel: MemoryDigester, messages: readonly Uint8Array[], gap = 0): string[] {
  const digests = new Uint8Array(messages.length * 32);
  kernel(placed(messages, gap), digests);
  return hexOf(digests);
}

function patterned(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (Math.imul(i + seed, 0x9e3779b1) >>> 13) & 0xff);
}

describe('the SHA-3-256 kernel', () => {
  it('gives the digests of the published examples, a million octets among them', () => {
    const examples: readonly (readonly [data: Buffer, digest: string])[] = [
      [Buffer.alloc(0), 'a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a'],
      [Buffer.from('abc'), '3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532'],
      [
        Buffer.from('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'),
        '41c0dba2a9d6240849100376a8235e2c82e1b9998a999e21db32dd97496d3376',
      ],
      [Buffer.alloc(200, 0xa3), '79f38adec5c20307a98ef76e8324afbfd46cfd81b22e3973c65fa1bd9de31787'],
    ];
    const kernel = loaded();
    assert.deepEqual(
      digested(
        kernel,
        examples.map(([data]) => data),
        7,
      ),
      examples.map(([, digest]) => digest),
    );
    const large = new WebAssembly.Memory({ initial: 32, maximum: 32, shared: true });
    new Uint8Array(large.buffer).fill(0x61);
    const both = new Uint8Array(64);
    loadKeccakKernel(large, 0, sha3)?.([DATA_AT, DATA_AT + 1_000_000, DATA_AT + 3, DATA_AT + 1_000_003], both);
    const million = '5c8875ae474a3634ba4fd55ec85bffd661f32aca75c6d699d0cdcb6c115891c1';
    assert.deepEqual(hexOf(both), [million, million]);
  });

  it('is right at every length around the blocks of the sponge, and at any start', () => {
    const lengths = [0, 1, 7, 8, 9].concat(
      ...[1, 2, 3, 10].map((blocks) => [-9, -8, -7, -2, -1, 0, 1, 2, 8].map((d) => blocks * SHA3_256_RATE + d)),
    );
    const messages = lengths.map((length) => patterned(length, length));
    const expected = messages.map((message) => Buffer.from(sha3_256(message)).toString('hex'));
    const kernel = loaded();
    for (const gap of [0, 1, 2, 3, 5]) assert.deepEqual(digested(kernel, messages, gap), expected);
    assert.deepEqual(digested(kernel, [...messages].reverse()), [...expected].reverse());
  });

  it('is right for messages of any lengths, in any mix and number', () => {
    const kernel = loaded();
    fc.assert(
      fc.property(fc.array(fc.nat(10_000), { maxLength: 30 }), fc.nat(1000), (lengths, seed) => {
        const messages = lengths.map((length, i) => patterned(length, seed + i));
        if (messages.length === 0) return kernel([], new Uint8Array(0));
        assert.deepEqual(
          digested(kernel, messages, seed % 3),
          messages.map((message) => Buffer.from(sha3(message)).toString('hex')),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('takes more messages than its memory holds digests of', () => {
    const messages = Array.from({ length: 1500 }, (_, i) => patterned(i % 300, i));
    assert.deepEqual(
      digested(loaded(), messages),
      messages.map((message) => Buffer.from(sha3(message)).toString('hex')),
    );
  });

  it('leaves a message that has no other beside it to node:crypto, and only that', () => {
    const alone: number[] = [];
    const kernel = loaded((data) => {
      alone.push(data.length);
      return sha3(data);
    });
    const messages = [patterned(300, 1), patterned(90_000, 2), patterned(400, 3)];
    const expected = messages.map((message) => Buffer.from(sha3(message)).toString('hex'));
    assert.deepEqual(digested(kernel, messages), expected);
    assert.deepEqual(alone, [90_000]);
    // Most of the way is gone already.
    assert.equal(digested(kernel, [patterned(80_000, 4), patterned(90_000, 5)]).length, 2);
    assert.deepEqual(alone, [90_000]);
  });

  it('writes to its scratch memory and nowhere else', () => {
    const kernel = loaded();
    bytes.fill(0x5a);
    kernel([DATA_AT + 1, DATA_AT + 5000, DATA_AT + 77, DATA_AT + 9000, DATA_AT, DATA_AT + 135], new Uint8Array(96));
    const untouched = Buffer.alloc(bytes.length, 0x5a);
    assert.equal(Buffer.compare(bytes.subarray(0, SCRATCH_AT), untouched.subarray(0, SCRATCH_AT)), 0);
    assert.equal(Buffer.compare(bytes.subarray(DATA_AT), untouched.subarray(DATA_AT)), 0);
  });

  it('is not there where the platform cannot compile it', (t) => {
    t.mock.method(WebAssembly, 'Instance' as never, function refuse() {
      throw new WebAssembly.CompileError('no SIMD');
    });
    assert.equal(loadKeccakKernel(memory, SCRATCH_AT, sha3), undefined);
    const digester = hashByName('sha3-256').digesterOf(memory, SCRATCH_AT);
    const messages = Array.from({ length: 40 }, (_, i) => patterned(9000 + i, i));
    const expected = messages.map((message) => Buffer.from(sha3(message)).toString('hex'));
    for (let i = 0; i < 5; i++) assert.deepEqual(digested(digester, messages), expected);
  });
});

describe('digests of many pieces', () => {
  const large = patterned(3_000_000, 9);

  for (const name of ['sha1', 'sha256', 'blake3', 'sha3-256'] as const) {
    it(`${name} of many pieces is that of each, little or much of it, of a memory or not`, () => {
      const hash = hashByName(name);
      const ranges = [0, 0, 5, 6, 10, 400_000, 3, 1_200_001, 1_000_000, 3_000_000];
      for (let at = 0; at < 900_000; at += 8001) ranges.push(at, at + 8192 - (at % 700));
      const expected = Buffer.concat(
        Array.from({ length: ranges.length / 2 }, (_, i) => hash.digest(large.subarray(ranges[i * 2], ranges[i * 2 + 1]))),
      );
      const digests = new Uint8Array(expected.length);
      for (let i = 0; i < 3; i++) {
        hash.digestMany(large, ranges, digests.fill(0));
        assert.equal(Buffer.compare(digests, expected), 0);
      }
      const pages = Math.ceil((large.length + HASH_SCRATCH_SIZE) / PAGE_SIZE);
      const own = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
      new Uint8Array(own.buffer).set(large, HASH_SCRATCH_SIZE);
      const digester = hash.digesterOf(own, 0);
      const moved = ranges.map((at) => at + HASH_SCRATCH_SIZE);
      for (let i = 0; i < 3; i++) {
        digester(moved, digests.fill(0));
        assert.equal(Buffer.compare(digests, expected), 0);
      }
    });
  }
});
