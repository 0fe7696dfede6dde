import assert from 'node:assert/strict';
import type { EdgeSettings } from '../../../core/block/edge-settings.ts';
import { blockify } from '../../../core/blockify/blockify.ts';
import type { Parser } from '../../../core/blockify/parser.ts';
import { PARSERS } from '../../../core/blockify/parsers/list.ts';
import { portionsOf } from '../contents/contents.ts';
import { edgesOf } from '../contents/parsing.ts';
import { syntaxSamples } from '../contents/syntax-samples.ts';
import type { Random } from '../random.ts';
import { makeRandom } from '../random.ts';

const EDGES: EdgeSettings = { kernel: 'poly32-1', minSize: 256, meanSize: 1024, maxSize: 4096 };

/** Milliseconds of processor time that a parser may take, and then for each MiB: far above what any needs, and far below what a loop takes. */
const GRACE_MS = 1500;
const MS_PER_MIB = 500;

/** Octets that no parser has a use for at a time. */
const MAX_HEAP_GROWTH = 128 * 1024 * 1024;

/** What parsers look for, to be put anywhere. */
const TOKENS: readonly Buffer[] = [
  ...[
    '\n',
    '\r\n',
    '\n\n',
    '\nFrom ',
    '\n--',
    'PK\x03\x04',
    'PK\x07\x08',
    'PK\x01\x02',
    'PK\x05\x06',
    '\x1f\x8b\x08',
    '\0\0\xff\xff',
    'vtR1',
  ],
  ...[
    'ustar',
    'ID3',
    '\xff\xfb\x90\0',
    'TAG',
    'moov',
    'mdat',
    'moof',
    'stco',
    'co64',
    'stream\r\n',
    'endstream',
    '%PDF-',
    '/Length ',
    ' obj',
    'xref',
  ],
  ...[
    'INSERT INTO ',
    ');\n',
    'FROM stdin;\n',
    '\n\\.\n',
    '{"',
    '}\n',
    'diff --git ',
    '\x04\x76\x01\x01\x00',
    '\x89vtd\r\n\x1a\n',
    '\x09s12345678',
  ],
  ...[
    '\xff\xff\xff\xff',
    '\x7f\xff\xff\xff\xff\xff\xff\xff',
    '\x80\x80\x80\x80',
    '\0\0\0\0\0\0\0\0',
    '77777777777',
    '\xff\xff\xff\xff\xff\xff\xff\xff',
  ],
].map((token) => Buffer.from(token, 'latin1'));

/** One content: a sample that is damaged, samples in each other, tokens, or noise. */
export function fuzzContent(random: Random, samples: readonly Buffer[]): Buffer {
  let data: Buffer = Buffer.from(random.pick(samples as readonly [Buffer, ...Buffer[]]));
  const style = random.below(10);
  if (style === 0) data = random.bytes(random.below(30_000));
  if (style === 1) data = Buffer.concat(Array.from({ length: 1 + random.below(4000) }, () => token(random)));
  if (style === 2) data = Buffer.concat([data, random.pick(samples as readonly [Buffer, ...Buffer[]]), data]);
  if (style === 3) data = Buffer.concat(Array.from({ length: 1 + random.below(300_000) }, () => token(random)).slice(0, 60_000));
  for (let changes = random.below(12); changes > 0; changes--) {
    // Most fields that matter lie at the start.
    const at = Math.floor((random.below(1e6) / 1e6) ** (1 + random.below(3)) * data.length);
    const put = random.chance(60) ? token(random) : random.bytes(1 + random.below(16));
    const kind = random.below(5);
    if (kind === 0) data = Buffer.concat([data.subarray(0, at), put, data.subarray(at)]);
    else if (kind === 1) data = Buffer.concat([data.subarray(0, at), data.subarray(at + 1 + random.below(3000))]);
    else if (kind === 2 && random.chance(30)) data = Buffer.from(data.subarray(0, at));
    else if (kind === 3 && at < data.length) data[at] = (data[at] ?? 0) ^ (1 << random.below(8));
    else data.set(put.subarray(0, data.length - at), at);
  }
  return data;
}

function token(random: Random): Buffer {
  return random.pick(TOKENS as readonly [Buffer, ...Buffer[]]);
}

/** Checks one parser with one content: time, memory, edges that do not depend on the slices, and that the content comes back. */
export async function checkParser(parser: Parser, data: Buffer, random: Random): Promise<void> {
  const sizes = [1 + random.below(random.pick([20, 3000, 100_000])), 1 + random.below(70_000)];
  const heapBefore = process.memoryUsage().heapUsed;
  const before = process.cpuUsage();
  const whole = edgesOf(parser, [data]);
  const { user, system } = process.cpuUsage(before);
  const tookMs = (user + system) / 1000;
  assert.ok(tookMs < GRACE_MS + (MS_PER_MIB * data.length) / 2 ** 20, `${Math.round(tookMs)} ms for ${data.length} octets`);
  assert.ok(process.memoryUsage().heapUsed - heapBefore < MAX_HEAP_GROWTH, 'memory');
  assert.ok(
    whole.every((edge) => Number.isSafeInteger(edge) && edge > 0 && edge <= data.length),
    'edges within the content',
  );
  // Slices of a few octets take long.
  const some = data.length > 200_000 ? sizes.map((size) => size + 1000) : sizes;
  assert.deepEqual(edgesOf(parser, portionsOf(data, some)), whole, `slices of ${some}`);
  let at = 0;
  for await (const piece of blockify(portionsOf(data, some), EDGES, { parser })) {
    const size = piece.kind === 'run' ? piece.size : piece.data.length;
    const expected = data.subarray(at, at + size);
    const same = piece.kind === 'run' ? expected.every((octet) => octet === piece.octet) : expected.equals(piece.data);
    assert.ok(same && size > 0 && (piece.kind === 'run' || size <= EDGES.maxSize), `the octets from ${at} on`);
    at += size;
  }
  assert.equal(at, data.length);
}

/** What a fuzz run did. */
export interface FuzzCounts {
  readonly contents: number;
  readonly octets: number;
}

/**
 * Gives every parser of the table contents that are damaged, put together or without sense, until `isOver`.
 *
 * @throws what a check throws, with the seed of the content and the parser's name in front
 */
export async function fuzzParsers(seed: number, isOver: (contents: number) => boolean): Promise<FuzzCounts> {
  let contents = 0;
  let octets = 0;
  let samples: Buffer[] = [];
  while (!isOver(contents)) {
    const random = makeRandom(seed + contents);
    if (contents % 500 === 0) samples = [...syntaxSamples(makeRandom(seed + contents)).values()];
    const data = fuzzContent(random, samples);
    for (const parser of PARSERS) {
      try {
        await checkParser(parser, data, random);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`${parser.name}, seed ${seed}, content ${contents} of ${data.length} octets: ${reason}`, { cause: error });
      }
    }
    contents++;
    octets += data.length;
  }
  return { contents, octets };
}
