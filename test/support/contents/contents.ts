import fc from 'fast-check';
import { makeRandom } from '../random.ts';

// Contents to cut into Blocks: what random octets alone never show.

/** A stretch of content. */
interface Stretch {
  readonly kind: 'random' | 'run' | 'text' | 'period' | 'samples';
  readonly size: number;
  readonly seed: number;
}

const WORDS = ['edge', 'block', 'of', 'the', 'and', 'store', 'a', 'leaf', 'span', 'dir', '\n', 'hash', '{', '}', '();', 'octet'] as const;

function stretchBytes({ kind, size, seed }: Stretch): Buffer {
  const random = makeRandom(seed);
  switch (kind) {
    case 'random':
      return random.bytes(size);
    case 'run':
      return Buffer.alloc(size, random.chance(60) ? 0 : random.below(256));
    case 'period':
      return Buffer.alloc(size, random.bytes(1 + random.below(40)));
    case 'samples': {
      const out = Buffer.alloc(size);
      for (let i = 0; i + 2 <= size; i += 2) out.writeInt16LE(Math.round(3000 * Math.sin(i / 90) + 40 * random.normal()), i);
      return out;
    }
    case 'text': {
      let text = '';
      while (text.length < size) text += `${random.pick(WORDS)} `;
      return Buffer.from(text.slice(0, size));
    }
  }
}

/** Contents of stretches of different sorts, up to about `maxSize` octets, with runs around the 4 KiB that make a RunBlock. */
export function contents(maxSize: number): fc.Arbitrary<Buffer> {
  const sizes = fc.oneof(fc.nat({ max: 100 }), fc.integer({ min: 4000, max: 4200 }), fc.nat({ max: maxSize / 4 }));
  const stretch = fc.record({
    kind: fc.constantFrom('random', 'run', 'text', 'period', 'samples'),
    size: sizes,
    seed: fc.nat({ max: 2 ** 31 }),
  });
  return fc
    .array(stretch, { maxLength: 8, size: 'max' })
    .map((stretches) => Buffer.concat(stretches.map((one) => stretchBytes(one as Stretch))).subarray(0, maxSize));
}

/** `data` cut into portions of `sizes`, over and over. */
export function portionsOf(data: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const portions: Uint8Array[] = [];
  for (let at = 0, i = 0; at < data.length; i++) {
    const size = Math.max(1, sizes[i % sizes.length] ?? data.length);
    portions.push(data.subarray(at, at + size));
    at += size;
  }
  return portions;
}
