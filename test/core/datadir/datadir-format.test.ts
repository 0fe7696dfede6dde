import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { ParseError, VtError } from '../../../core/base/errors.ts';
import { SHARED_VALUES } from '../../../core/base/system/store-files.ts';
import { HASH_NAMES } from '../../../core/block/hash.ts';
import type { DatadirFormat } from '../../../core/datadir/datadir-format.ts';
import { formatDatadirFormat, parseDatadirFormat } from '../../../core/datadir/datadir-format.ts';
import { DURABILITIES } from '../../../core/store/durability.ts';

const formats: fc.Arbitrary<DatadirFormat> = fc
  .record({
    storeId: fc.uuid(),
    hashName: fc.constantFrom(...HASH_NAMES),
    sizes: fc.tuple(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 64, max: 4096 }), fc.integer({ min: 4096, max: 2 ** 24 })),
    compression: fc.constantFrom('none' as const, 'zlib' as const),
    coarseFrom: fc.option(fc.maxSafeNat(), { nil: undefined }),
    generation: fc.nat(),
    durability: fc.constantFrom(...DURABILITIES),
    shared: fc.constantFrom(...SHARED_VALUES),
  })
  .map(({ sizes: [minSize, meanSize, maxSize], coarseFrom, ...rest }) => ({
    ...rest,
    edges: { kernel: 'poly32-1', minSize, meanSize, maxSize, ...(coarseFrom === undefined ? {} : { coarseFrom }) },
  }));

it('the format file of a datadir reads back as it was written', () => {
  fc.assert(fc.property(formats, (format) => assert.deepEqual(parseDatadirFormat(formatDatadirFormat(format)), format)));
});

const TEXT = formatDatadirFormat({
  storeId: '00112233-4455-6677-8899-aabbccddeeff',
  hashName: 'sha3-256',
  edges: { kernel: 'poly32-1', minSize: 4096, meanSize: 16384, maxSize: 65536, coarseFrom: 1000 },
  compression: 'none',
  generation: 0,
  durability: 'batch',
  shared: 'no',
});

it('a format file may have comments, blank lines and settings of others', () => {
  const format = parseDatadirFormat(`# mine\n\n${TEXT}\n ; theirs\n colour = red \n`);
  assert.deepEqual(format, parseDatadirFormat(TEXT));
});

const BAD: readonly (readonly [from: string, to: string, says: RegExp])[] = [
  ['id=00', 'id=0', /"id" to be a uuid/],
  ['hash=sha3-256', 'hash=md5', /"hash" to be one of/],
  ['hash=sha3-256\n', '', /"hash" is missing/],
  ['min=4096', 'min=16385', /"min" to be a number, 1..16384/],
  ['max=65536', 'max=1', /"max"/],
  ['coarse=1000', 'coarse=1K', /"coarse"/],
  ['mean=16384', 'mean=-1', /"mean"/],
  ['mean=16384', 'mean=1e4', /"mean"/],
  ['compression=none', 'compression=lzw', /"compression" to be one of none, zlib, zstd/],
  ['compression=none', 'compression=zstd\nlevel=20', /"level" to be a number, 1..19/],
  ['durability=batch', 'durability=maybe', /"durability" to be one of/],
  ['shared=no', 'shared=yes', /"shared" to be one of no, group, all/],
  ['generation=0', 'generation', /NAME=VALUE/],
  ['generation=0', 'generation=0\ngeneration=1', /twice/],
];

for (const [from, to, says] of BAD) {
  it(`a format file with ${JSON.stringify(to)} for ${JSON.stringify(from)} is refused`, () => {
    const text = TEXT.replace(from, to);
    assert.throws(
      () => parseDatadirFormat(text),
      (error) => error instanceof ParseError && says.test(error.message) && error.offset <= text.length,
    );
  });
}

it('a format file of an earlier version is read: its durability is batch, and nobody shares it', () => {
  const text = TEXT.replace('durability=batch\nshared=no\n', '').replace('format=2', 'format=1');
  assert.deepEqual(parseDatadirFormat(text), { ...parseDatadirFormat(TEXT), shared: undefined });
});

it('a format that compresses by Zstandard has a version of its own, which earlier programs refuse', () => {
  const format = { ...parseDatadirFormat(TEXT), compression: 'zstd' as const, level: 9 };
  const text = formatDatadirFormat(format);
  assert.match(text, /^format=4$/m);
  assert.deepEqual(parseDatadirFormat(text), format);
});

it('a format file of a later version is refused, whatever else it holds', () => {
  assert.throws(
    () => parseDatadirFormat('format=5\nhow=new\n'),
    (error) => error instanceof VtError && error.code === 'EUNSUPPORTED' && error.remedy !== undefined,
  );
});

it('a settings file of nothing but spaces in a value is read at once', () => {
  const before = process.cpuUsage();
  assert.throws(() => parseDatadirFormat(`format=1\nid=a${' '.repeat(200_000)}b\n`), ParseError);
  assert.ok(process.cpuUsage(before).user < 10_000_000);
});
