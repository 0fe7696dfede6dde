import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { EdgeSettings } from '../../../core/block/edge-settings.ts';
import { blockify } from '../../../core/blockify/blockify.ts';
import type { Parser } from '../../../core/blockify/parser.ts';
import { ParserFeed } from '../../../core/blockify/parser.ts';
import { textParser } from '../../../core/blockify/parsers/text.ts';
import { contents, portionsOf } from '../../support/contents/contents.ts';
import { blocksOf, edgesOf } from '../../support/contents/parsing.ts';
import { makeRandom } from '../../support/random.ts';

const EDGES: EdgeSettings = { kernel: 'poly32-1', minSize: 256, meanSize: 1024, maxSize: 4096 };

function parserOf(edges: Parser['edges'], delay = 0): Parser {
  return { name: 'test', extensions: [], mimeTypes: [], delay, edges };
}

/** Edges after each `marker`, which is found when its last octet comes; reported so late that they lie behind it. */
function afterMarker(marker: string): Parser {
  return parserOf(function* () {
    let before = '';
    let end = 0;
    for (let chunk = yield undefined; chunk !== undefined; chunk = yield undefined) {
      const text = before + Buffer.from(chunk).toString('latin1');
      end += chunk.length;
      for (let at = text.indexOf(marker); at >= 0; at = text.indexOf(marker, at + 1)) yield end - text.length + at;
      before = text.slice(-(marker.length - 1));
    }
  }, marker.length);
}

async function cut(portions: Iterable<Uint8Array>, parser: Parser, settings = EDGES): Promise<{ sizes: number[]; data: Buffer }> {
  const sizes: number[] = [];
  const parts: Buffer[] = [];
  for await (const piece of blockify(portions, settings, { parser })) {
    const part = piece.kind === 'run' ? Buffer.alloc(piece.size, piece.octet) : Buffer.from(piece.data);
    sizes.push(part.length);
    parts.push(part);
  }
  return { sizes, data: Buffer.concat(parts) };
}

describe('edges of a parser', () => {
  it('Blocks begin where the parser says, and hash edges stand between', async () => {
    const random = makeRandom(2);
    const records = Array.from({ length: 900 }, () =>
      Buffer.concat([Buffer.from('\n>>RECORD<<\n'), random.bytes(300 + random.below(9000))]),
    );
    const data = Buffer.concat(records);
    const { sizes, data: back } = await cut(portionsOf(data, [1 << 16, 5]), afterMarker('\n>>RECORD<<\n'));
    assert.ok(back.equals(data));
    const edges = new Set<number>();
    let at = 0;
    for (const size of sizes) {
      at += size;
      edges.add(at);
    }
    let start = 0;
    let hits = 0;
    for (const record of records) {
      if (edges.has(start)) hits++;
      start += record.length;
    }
    // One right after a hash edge would make too small a Block.
    assert.ok(hits > 600, `${hits} of 900`);
    assert.ok(sizes.length > 3000);
  });

  it('in a Store of large Blocks records share one, and what was inserted moves few of their edges', async () => {
    const random = makeRandom(3);
    const large: EdgeSettings = { kernel: 'poly32-1', minSize: 16_384, meanSize: 32_768, maxSize: 131_072 };
    const records = Array.from({ length: 1000 }, () =>
      Buffer.concat([Buffer.from('\n>>RECORD<<\n'), random.bytes(500 + random.below(5000))]),
    );
    const edgesIn = async (list: readonly Buffer[]): Promise<{ readonly sizes: number[]; readonly fromEnd: Set<number> }> => {
      const data = Buffer.concat(list);
      const { sizes, data: back } = await cut(portionsOf(data, [1 << 16, 5]), afterMarker('\n>>RECORD<<\n'), large);
      assert.ok(back.equals(data));
      let left = data.length;
      return { sizes, fromEnd: new Set(sizes.map((size) => (left -= size))) };
    };
    const before = await edgesIn(records);
    assert.ok(before.sizes.slice(0, -1).every((size) => size >= large.minSize));
    const mean = records.reduce((sum, { length }) => sum + length, 0) / before.sizes.length;
    assert.ok(mean < 1.5 * large.minSize, `${mean}: they end at records`);
    const after = await edgesIn([
      ...records.slice(0, 20),
      Buffer.concat([Buffer.from('\n>>RECORD<<\n'), random.bytes(3000)]),
      ...records.slice(20),
    ]);
    const shared = [...after.fromEnd].filter((edge) => before.fromEnd.has(edge)).length;
    assert.ok(shared > 0.75 * after.sizes.length, `${shared} of ${after.sizes.length}`);
  });

  it('they do not depend on how the input is cut into reads, though they come late', async () => {
    await fc.assert(
      fc.asyncProperty(contents(600_000), fc.integer({ min: 1, max: 400_000 }), async (data, size) => {
        const whole = await cut([data], afterMarker('e '));
        const portions = await cut(portionsOf(data, [size]), afterMarker('e '));
        assert.deepEqual(portions.sizes, whole.sizes);
      }),
      { numRuns: 25 },
    );
  });

  it('a parser may report as far ahead as it likes; what it reports beyond memory is forgotten', () => {
    const feed = new ParserFeed(
      parserOf(function* () {
        for (let i = 1; i <= 1500; i++) yield i * 1_000_000;
        yield 5;
        for (;;) yield undefined;
      }),
    );
    assert.deepEqual(feed.push(new Uint8Array(10)), []);
    const later = new ParserFeed(
      parserOf(function* () {
        yield 1_000_000;
        yield 12;
        yield 7;
        yield 7;
        for (;;) yield undefined;
      }),
    );
    assert.deepEqual(later.push(new Uint8Array(10)), [7]);
    assert.deepEqual(later.push(new Uint8Array(10)), [2]);
    assert.deepEqual(later.push(new Uint8Array(999_980)), [999_980]);
  });

  it('edges in the quiet start of a syntax do not count: a small text is cut as if it had no parser, a large one is not', async () => {
    const quiet = { ...afterMarker('e '), quietSize: 5000 };
    const data = Buffer.from('some words of text, one more. '.repeat(1000));
    const edges = edgesOf(quiet, [data]);
    assert.ok(edges.length > 500);
    const all = edgesOf(afterMarker('e '), [data]);
    assert.deepEqual(
      edges,
      all.filter((edge) => edge > 5000),
    );
    const part = (name: number) => `${Array.from({ length: 300 }, (_, i) => `const a${i} = f(${name * i});\n`).join('')}\n`;
    const text = (parts: number) => Buffer.from(Array.from({ length: parts }, (_, i) => part(i)).join(''));
    const small = text(4);
    assert.ok(small.length > 16_384 && small.length <= 32_768);
    assert.deepEqual(await blocksOf(small, textParser), await blocksOf(small));
    assert.notDeepEqual(await blocksOf(text(40), textParser), await blocksOf(text(40)));
  });

  const LIARS: Record<string, Parser['edges']> = {
    'throws at once': () => {
      throw new Error('no');
    },
    'throws in the middle': function* () {
      yield undefined;
      yield 700;
      throw new Error('lost');
    },
    'never stops reporting': function* () {
      for (let i = 0; ; i++) yield i;
    },
    'reports nonsense': function* () {
      for (;;) {
        yield undefined;
        yield Number.NaN;
        yield -5;
        yield 1.5;
        yield 0;
        yield Number.POSITIVE_INFINITY;
        yield 3;
      }
    },
    'ends early': function* () {
      yield undefined;
    },
  };
  for (const [name, edges] of Object.entries(LIARS)) {
    it(`a parser that ${name} costs nothing but its edges`, async () => {
      const data = makeRandom(9).bytes(700_000);
      const { data: back, sizes } = await cut(portionsOf(data, [100_000]), parserOf(edges));
      assert.ok(back.equals(data));
      assert.ok(sizes.every((size) => size <= EDGES.maxSize));
      assert.ok(sizes.length > 500);
    });
  }
});
