import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { blockify } from '../../../core/blockify/blockify.ts';
import { PROJECT_ROOT } from '../../support/project.ts';

// Stores hold Blocks that end where the kernel once said: test/golden/vtftp/edges.json was computed from vt(5), "Edges", by
// another program.

interface GoldenEdges {
  readonly content: string;
  readonly size: number;
  readonly min: number;
  readonly mean: number;
  readonly max: number;
  /** Octets of a leaf; of a run, and its octet. */
  readonly leaves: readonly (number | readonly [size: number, octet: number])[];
}

const GOLDEN = JSON.parse(readFileSync(join(PROJECT_ROOT, 'test/golden/vtftp/edges.json'), 'utf8')) as readonly GoldenEdges[];

const text = readFileSync(join(PROJECT_ROOT, 'test/golden/python-vt/text200k.txt'));
const CONTENTS: Readonly<Record<string, Buffer>> = {
  text,
  'text, 10,000 NULs, the text backwards, 5,000 times x': Buffer.concat([
    text,
    Buffer.alloc(10_000),
    Buffer.from(text).reverse(),
    Buffer.alloc(5000, 'x'),
  ]),
  'three times 9,999 NULs and a letter': Buffer.concat(
    Array.from({ length: 3 }, () => Buffer.concat([Buffer.alloc(9999), Buffer.from('a')])),
  ),
  short: text.subarray(0, 3000),
};

describe('edges of version poly32-1, as another program finds them', () => {
  for (const { content, size, min, mean, max, leaves } of GOLDEN) {
    for (const native of [true, false]) {
      it(`${content}, at a mean of ${mean}, by ${native ? 'WebAssembly' : 'plain TypeScript'}`, async () => {
        const data = CONTENTS[content] ?? Buffer.alloc(0);
        assert.equal(data.length, size);
        const found: (number | [number, number])[] = [];
        const settings = { kernel: 'poly32-1', minSize: min, meanSize: mean, maxSize: max };
        for await (const piece of blockify([data.subarray(0, 1000), data.subarray(1000)], settings, { native })) {
          found.push(piece.kind === 'run' ? [piece.size, piece.octet] : piece.data.length);
        }
        assert.deepEqual(found, leaves);
      });
    }
  }
});
