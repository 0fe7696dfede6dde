import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { EdgeSettings } from '../../../core/block/edge-settings.ts';
import { DEFAULT_EDGES } from '../../../core/block/edge-settings.ts';
import { hashByName } from '../../../core/block/hash.ts';
import { blockify } from '../../../core/blockify/blockify.ts';
import type { Parser } from '../../../core/blockify/parser.ts';
import { ParserFeed } from '../../../core/blockify/parser.ts';
import { contents, portionsOf } from './contents.ts';

// What every parser must do, and what it is good for.

/** The edges that a parser proposes in a content, ascending, those beyond its end left out. */
export function edgesOf(parser: Parser, portions: Iterable<Uint8Array>): number[] {
  const feed = new ParserFeed(parser);
  const edges = new Set<number>();
  let base = 0;
  for (const portion of portions) {
    for (const edge of feed.push(portion)) edges.add(base + edge);
    base += portion.length;
  }
  return [...edges].sort((a, b) => a - b);
}

const SMALL_EDGES: EdgeSettings = { kernel: 'poly32-1', minSize: 256, meanSize: 1024, maxSize: 4096 };

async function cutSizes(parser: Parser | undefined, portions: Iterable<Uint8Array>, edges: EdgeSettings) {
  const sizes: number[] = [];
  const parts: Buffer[] = [];
  for await (const piece of blockify(portions, edges, { parser })) {
    const part = piece.kind === 'run' ? Buffer.alloc(piece.size, piece.octet) : Buffer.from(piece.data);
    sizes.push(part.length);
    parts.push(part);
  }
  return { sizes, data: Buffer.concat(parts) };
}

/** Any octets at all; `samples` with some octets overwritten, cut short, or with others in the middle. */
export function damaged(samples: readonly Uint8Array[]): fc.Arbitrary<Buffer> {
  const octets = fc.uint8Array({ maxLength: 12, size: 'max' });
  const change = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    octets: fc.oneof(octets, fc.constantFrom(Buffer.alloc(8, 0xff), Buffer.alloc(8), Buffer.from('7fffffffffffffff', 'hex'))),
    kind: fc.constantFrom('overwrite', 'overwrite', 'insert', 'remove', 'truncate'),
  });
  const mutated = fc.tuple(fc.constantFrom(...samples), fc.array(change, { maxLength: 5 })).map(([sample, changes]) => {
    let data = Buffer.from(sample);
    // Most fields that matter lie at the start.
    for (const { at: part, octets: put, kind } of changes) {
      const at = Math.floor(part * part * part * data.length);
      if (kind === 'overwrite') data.set(put.subarray(0, data.length - at), at);
      if (kind === 'insert') data = Buffer.concat([data.subarray(0, at), put, data.subarray(at)]);
      if (kind === 'remove') data = Buffer.concat([data.subarray(0, at), data.subarray(at + put.length)]);
      if (kind === 'truncate' && part > 0.5) data = data.subarray(0, at);
    }
    return data;
  });
  return fc.oneof({ weight: 3, arbitrary: mutated }, { weight: 1, arbitrary: contents(60_000) });
}

/** A parser proposes the same edges however its input is cut, nothing out of it, and the content comes back, of whatever octets it is. */
export async function holdsForAnyOctets(parser: Parser, samples: readonly Uint8Array[]): Promise<void> {
  const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 70_000 })), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(damaged(samples), sizes, async (data, portionSizes) => {
      const whole = edgesOf(parser, [data]);
      assert.deepEqual(edgesOf(parser, portionsOf(data, portionSizes)), whole);
      assert.ok(whole.every((edge) => edge <= data.length));
      const cut = await cutSizes(parser, [data], SMALL_EDGES);
      assert.ok(cut.data.equals(data));
      assert.deepEqual((await cutSizes(parser, portionsOf(data, portionSizes), SMALL_EDGES)).sizes, cut.sizes);
    }),
    { numRuns: 120 },
  );
}

/** The stored Blocks of a content under the defaults of a new Store: digest and size. */
export async function blocksOf(data: Uint8Array, parser?: Parser): Promise<Map<string, number>> {
  const hash = hashByName('sha256');
  const blocks = new Map<string, number>();
  for await (const piece of blockify(data, DEFAULT_EDGES, { parser })) {
    if (piece.kind === 'data') blocks.set(Buffer.from(hash.digest(piece.data)).toString('hex'), piece.data.length);
  }
  return blocks;
}

/** Octets of Blocks of `after` that are not among those of `before`: what storing it costs. */
export async function newOctets(before: readonly Uint8Array[], after: Uint8Array, parser?: Parser, beforeParser = parser): Promise<number> {
  const known = new Set<string>();
  for (const content of before) for (const digest of (await blocksOf(content, beforeParser)).keys()) known.add(digest);
  let size = 0;
  for (const [digest, octets] of await blocksOf(after, parser)) if (!known.has(digest)) size += octets;
  return size;
}
