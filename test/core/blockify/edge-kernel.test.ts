import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { EdgeSettings } from '../../../core/block/edge-settings.ts';
import { edgeThresholds, WINDOW_SIZE } from '../../../core/blockify/edge-hash.ts';
import { loadEdgeKernel, MIN_RUN_SIZE, POSITION_MASK, STRICT_FLAG } from '../../../core/blockify/edge-kernel.ts';
import { contents } from '../../support/contents/contents.ts';
import { kernelMemory } from '../../support/contents/kernel-memory.ts';
import { makeRandom } from '../../support/random.ts';

function settings(meanSize: number): EdgeSettings {
  return { kernel: 'poly32-1', minSize: Math.max(1, meanSize >> 2), meanSize, maxSize: meanSize * 4 };
}

describe('the edge kernel', () => {
  it('runs as WebAssembly here', () => {
    assert.equal(loadEdgeKernel(settings(8192), kernelMemory(0).memory).isNative, true);
  });

  it('WebAssembly and plain TypeScript find the same, for any octets, places, contexts and means', () => {
    fc.assert(
      fc.property(
        contents(60_000),
        fc.nat(),
        fc.nat(),
        fc.nat({ max: 80 }),
        fc.constantFrom(64, 300, 1024, 8192, 12_345, 65_536, 2 ** 20),
        (data, from, to, context, mean) => {
          const { memory, octets, at } = kernelMemory(data.length);
          octets.set(data, at);
          const first = from % (data.length + 1);
          const end = first + (to % (data.length - first + 1));
          const before = Math.min(context, first);
          const native = loadEdgeKernel(settings(mean), memory);
          const twin = loadEdgeKernel(settings(mean), memory, { native: false });
          assert.deepEqual(native.scan(at + first, at + end, before), twin.scan(at + first, at + end, before));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('candidates depend on the 64 octets before them alone, wherever slices begin', () => {
    fc.assert(
      fc.property(contents(30_000), fc.integer({ min: 1, max: 30_000 }), (data, sliceSize) => {
        const { memory, octets, at } = kernelMemory(data.length);
        octets.set(data, at);
        const kernel = loadEdgeKernel(settings(256), memory);
        const whole = new Set(kernel.scan(at, at + data.length, 0).candidates);
        for (let start = 0; start < data.length; start += sliceSize) {
          const end = Math.min(data.length, start + sliceSize);
          const { candidates } = kernel.scan(at + start, at + end, Math.min(63, start));
          const expected = [...whole].filter((candidate) => {
            const position = candidate & POSITION_MASK;
            return position > start && position <= end;
          });
          const found = [...candidates].map((candidate) => (candidate & STRICT_FLAG) + (candidate & POSITION_MASK) + start);
          // Within long runs nothing is looked for, and a slice may end inside one.
          assert.deepEqual(
            outsideRuns(
              data,
              found.map((value) => value >>> 0),
            ),
            outsideRuns(data, expected),
          );
        }
      }),
      { numRuns: 60 },
    );
  });

  it('the definition in vt(5) gives the same candidates', () => {
    const data = makeRandom(7).bytes(20_000);
    const { memory, octets, at } = kernelMemory(data.length);
    octets.set(data, at);
    const mean = settings(3000);
    const { filterWidth, laxLimit, strictLimit } = edgeThresholds(mean);
    const expected: number[] = [];
    for (let i = WINDOW_SIZE - 1; i < data.length; i++) {
      let h = 0n;
      let g = 0n;
      for (let k = 0; k < 64; k++) {
        h += BigInt(data[i - k] ?? 0) * 0xa525n ** BigInt(k);
        g += BigInt(data[i - k] ?? 0) * 0x9e3779b1n ** BigInt(k);
      }
      h %= 1n << 16n;
      g %= 1n << 32n;
      if (h < 0x8000n || h >= 0x8000n + BigInt(filterWidth) || g > BigInt(laxLimit)) continue;
      expected.push(i + 1 + (g < BigInt(strictLimit) ? STRICT_FLAG : 0));
    }
    assert.ok(expected.length > 5);
    assert.deepEqual([...loadEdgeKernel(mean, memory).scan(at, at + data.length, 0).candidates], expected);
  });

  it('what it finds for given octets never changes', () => {
    const data = Buffer.from(Uint8Array.from({ length: 1 << 20 }, (_, i) => Math.imul(i * i + 77, 0x9e3779b1) >>> 24));
    const { memory, octets, at } = kernelMemory(data.length);
    octets.set(data, at);
    const { candidates } = loadEdgeKernel(settings(8192), memory).scan(at, at + data.length, 0);
    assert.deepEqual(
      [...candidates.subarray(0, 8)].map((value) => [value & POSITION_MASK, value >= STRICT_FLAG]),
      FROZEN,
    );
  });

  it('more candidates than the scratch memory holds come in several goes', () => {
    // A period of 37 octets makes every 37th position alike, so some periods are dense with candidates.
    const dense = Array.from({ length: 40 }, (_, seed) => Buffer.alloc(1 << 20, makeRandom(seed).bytes(37)));
    let most = 0;
    for (const data of dense) {
      const { memory, octets, at } = kernelMemory(data.length);
      octets.set(data, at);
      const { candidates } = loadEdgeKernel(settings(64), memory).scan(at, at + data.length, 0);
      assert.deepEqual(candidates, loadEdgeKernel(settings(64), memory, { native: false }).scan(at, at + data.length, 0).candidates);
      most = Math.max(most, candidates.length);
    }
    assert.ok(most > 20_000, `no dense data: ${most}`);
  });

  it('no run of one octet is full of candidates', () => {
    for (let octet = 0; octet < 256; octet++) {
      const { memory, octets, at } = kernelMemory(MIN_RUN_SIZE - 1);
      octets.fill(octet, at);
      assert.deepEqual([...loadEdgeKernel(settings(1024), memory).scan(at, at + MIN_RUN_SIZE - 1, 0).candidates], []);
    }
  });

  it('other kernels and settings that contradict themselves are refused', () => {
    const { memory } = kernelMemory(0);
    assert.throws(() => loadEdgeKernel({ ...settings(8192), kernel: 'gear64-1' }, memory), { code: 'EUNSUPPORTED' });
    for (const wrong of [
      { minSize: 0 },
      { minSize: 9000 },
      { maxSize: 8000 },
      { meanSize: 32, minSize: 1 },
      { maxSize: 2 ** 30 },
      { meanSize: Number.NaN },
    ]) {
      assert.throws(() => loadEdgeKernel({ ...settings(8192), ...wrong }, memory), RangeError);
    }
  });
});

/** Of squares times the golden ratio, above; the first eight at a mean of 8 KiB. */
const FROZEN: readonly [position: number, isStrict: boolean][] = [
  [1250, false],
  [3233, false],
  [3668, false],
  [4904, false],
  [7547, false],
  [29_450, false],
  [32_856, true],
  [35_880, false],
];

/** Without the candidates that lie in a run of MIN_RUN_SIZE or more. */
function outsideRuns(data: Uint8Array, candidates: readonly number[]): number[] {
  return candidates.filter((candidate) => {
    const position = candidate & POSITION_MASK;
    let start = position - 1;
    while (start > 0 && data[start - 1] === data[position - 1]) start--;
    let end = position;
    while (end < data.length && data[end] === data[position - 1]) end++;
    return end - start < MIN_RUN_SIZE;
  });
}
