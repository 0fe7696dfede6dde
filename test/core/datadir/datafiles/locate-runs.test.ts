import assert from 'node:assert/strict';
import { it } from 'node:test';
import { locateRuns } from '../../../../core/datadir/datafiles/locate-runs.ts';
import type { BlockLocation } from '../../../../core/store/block-location.ts';
import { PART_SIZE } from '../../../../core/store/records/frame.ts';

const HEADER = 56;

interface Entry {
  readonly file: string;
  readonly skip?: number;
  readonly codec?: 'none' | 'zlib' | 'part';
  readonly absent?: true;
}

/** Records in files, as they would be appended; a digest is the Block's number in its first two octets. */
function located(layout: readonly Entry[]): {
  readonly digests: readonly Uint8Array[];
  readonly spans: readonly number[];
  readonly truth: readonly (BlockLocation | undefined)[];
} {
  const ends = new Map<string, number>();
  const spans = layout.map((_, index) => 1000 + ((index * 7919) % 3001));
  const truth = layout.map(({ file, skip = 0, codec = 'none', absent }, index): BlockLocation | undefined => {
    const size = spans[index] ?? 0;
    const storedSize = codec === 'none' ? size : codec === 'part' ? PART_SIZE : size >> 1;
    const offset = (ends.get(file) ?? 64) + skip + HEADER;
    ends.set(file, offset + storedSize);
    return absent === true ? undefined : { file, offset, storedSize, size, codec };
  });
  return { digests: layout.map((_, index) => Uint8Array.of(index >> 8, index & 255)), spans, truth };
}

const repeat = (count: number, entry: (index: number) => Entry): Entry[] => Array.from({ length: count }, (_, index) => entry(index));

const CASES = [
  { name: 'none', layout: [] },
  { name: 'one', layout: [{ file: 'a' }] },
  { name: 'one run', layout: repeat(1000, () => ({ file: 'a' })) },
  { name: 'two files in turn', layout: repeat(100, (index) => ({ file: index % 2 === 0 ? 'a' : 'b' })) },
  { name: 'a gap now and then', layout: repeat(300, (index) => ({ file: 'a', skip: index % 41 === 3 ? 500 : 0 })) },
  {
    name: 'compressed Blocks among others',
    layout: repeat(200, (index) => (index % 9 === 4 ? { file: 'a', codec: 'zlib' as const } : { file: 'a' })),
  },
  {
    name: 'frames, and Blocks between them',
    layout: repeat(400, (index) =>
      index % 50 === 0 ? { file: 'a' } : { file: 'a', codec: 'part' as const, skip: index % 17 === 0 ? 9000 : 0 },
    ),
  },
  {
    name: 'Blocks that are not there at the ends of runs',
    layout: repeat(130, (index) => (index % 32 === 0 ? { file: 'a', absent: true as const } : { file: 'a' })),
  },
];

for (const { name, layout } of CASES) {
  it(`locateRuns finds what single look-ups find: ${name}`, () => {
    const { digests, spans, truth } = located(layout);
    const found = locateRuns(digests, spans, HEADER, ([high = 0, low = 0]) => truth[high * 256 + low]);
    assert.deepEqual(found, truth);
  });
}

it('locateRuns looks up few of the Blocks of a run, and none twice', () => {
  const { digests, spans, truth } = located(repeat(1000, () => ({ file: 'a' })));
  const asked = new Map<number, number>();
  locateRuns(digests, spans, HEADER, ([high = 0, low = 0]) => {
    const index = high * 256 + low;
    asked.set(index, (asked.get(index) ?? 0) + 1);
    return truth[index];
  });
  assert.ok(asked.size < 40, `${asked.size} looked up`);
  assert.ok([...asked.values()].every((count) => count === 1));
});
