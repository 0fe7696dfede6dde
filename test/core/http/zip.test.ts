import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, readlinkSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsFromText } from '../../../core/base/octets.ts';
import type { Block } from '../../../core/block/block.ts';
import { EMPTY_BLOCK } from '../../../core/block/block.ts';
import { formatBlock } from '../../../core/block/block-text.ts';
import type { Meta } from '../../../core/dirent/meta.ts';
import { GatheredContents } from '../../../core/http/pack/gathered-contents.ts';
import type { TarMember } from '../../../core/http/tar/tar-header.ts';
import type { ZipSource } from '../../../core/http/zip/zip-stream.ts';
import { knownCrcs, zipRange, zipSize } from '../../../core/http/zip/zip-stream.ts';
import type { Store } from '../../../core/store/store.ts';
import { stored, superblock } from '../../support/bombs/bomb.ts';
import { run } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';
import { MapSource } from '../../support/stores/map-source.ts';

const META: Meta = { mode: 0o640, mtimeNs: 1_700_000_001_500_000_000n };
const NEVER = new AbortController().signal;

function file(path: string, block: Block): TarMember {
  return { path: octetsFromText(path), node: { kind: 'file', name: 'x' as Octets, meta: META, block } };
}

function dir(path: string): TarMember {
  return { path: octetsFromText(path), node: { kind: 'dir', name: 'x' as Octets, meta: { mode: 0o750 }, block: EMPTY_BLOCK } };
}

function zipOf(members: readonly TarMember[], source = new MapSource('sha3-256')): ZipSource {
  return {
    // It offers no capability, so that all is read Block by Block.
    source: source as unknown as Store,
    contents: new GatheredContents(),
    crcs: knownCrcs(),
    async *members() {
      for (const member of members) yield await Promise.resolve([member]);
    },
  };
}

async function partOf(zip: ZipSource, start: number, end: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of zipRange(zip, { start, end }, NEVER)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

const LINES = Buffer.from('some lines\n'.repeat(5000));

function someMembers(source: MapSource): readonly TarMember[] {
  const half = stored(source, LINES.subarray(0, 30_000));
  const rest = stored(source, LINES.subarray(30_000));
  return [
    dir('t/'),
    file('t/lines', superblock(source, [half, rest])),
    file('t/empty', EMPTY_BLOCK),
    file('t/zeros', { kind: 'run', span: 100_000, octet: 0 }),
    dir('t/d/'),
    file('t/d/ünï', stored(source, Buffer.from('text\n'))),
    { path: 't/link' as Octets, node: { kind: 'symlink', name: 'link' as Octets, meta: META, target: 'd/somewhere' as Octets } },
    { path: 't/fifo' as Octets, node: { kind: 'fifo', name: 'fifo' as Octets, meta: META } },
  ];
}

test('a zip is what unzip and bsdtar take, with times, modes and links', async (t) => {
  const scratch = makeScratch(t);
  const source = new MapSource('sha3-256');
  const zip = zipOf(someMembers(source), source);
  const size = await zipSize(zip, NEVER);
  const whole = await partOf(zip, 0, size);
  assert.equal(whole.length, size);
  writeFileSync(scratch.path('a.zip'), whole);
  const tested = await run('unzip', ['-tq', scratch.path('a.zip')]);
  assert.equal(tested.status, 0, tested.report);
  for (const [name, command] of [
    ['unzip', ['unzip', '-q', scratch.path('a.zip')]],
    ['bsdtar', ['bsdtar', '-xf', scratch.path('a.zip')]],
  ] as const) {
    const into = scratch.path(name);
    mkdirSync(into);
    const taken = await run('sh', ['-c', `cd "$0" && exec "$@"`, into, ...command]);
    assert.equal(taken.status, 0, taken.report);
    assert.deepEqual(readFileSync(`${into}/t/lines`), LINES);
    assert.deepEqual(readFileSync(`${into}/t/zeros`), Buffer.alloc(100_000));
    assert.equal(readFileSync(`${into}/t/d/ünï`, 'utf8'), 'text\n');
    assert.equal(readlinkSync(`${into}/t/link`), 'd/somewhere');
    const { mode, mtimeMs, size: emptySize } = statSync(`${into}/t/empty`);
    assert.deepEqual([mode & 0o777, mtimeMs, emptySize], [0o640, 1_700_000_001_000, 0]);
  }
});

test('any part of a zip is that of the whole, also where nothing of it was read before', async () => {
  const source = new MapSource('sha3-256');
  const members = someMembers(source);
  const size = await zipSize(zipOf(members, source), NEVER);
  const whole = await partOf(zipOf(members, source), 0, size);
  const seed = Date.now() % 1_000_000;
  const random = makeRandom(seed);
  for (let i = 0; i < 100; i++) {
    const start = random.below(size);
    const end = start + 1 + random.below(size - start);
    const part = await partOf(zipOf(members, source), start, end);
    assert.ok(part.equals(whole.subarray(start, end)), `seed ${seed}: ${start} to ${end}`);
  }
});

test('files of more than 4 GiB and what follows them are found', async (t) => {
  const scratch = makeScratch(t);
  const source = new MapSource('sha3-256');
  const hole: Block = { kind: 'run', span: 5 * 2 ** 30, octet: 0 };
  const zip = zipOf([file('hole', hole), file('after', stored(source, Buffer.from('after\n')))], source);
  // Nobody reads the hole here, so its CRC does not matter.
  zip.crcs.set(formatBlock(hole), 0);
  const size = await zipSize(zip, NEVER);
  const head = await partOf(zip, 0, 100);
  const tail = await partOf(zip, hole.span + 30, size);
  const fd = openSync(scratch.path('large.zip'), 'w');
  ftruncateSync(fd, size);
  writeSync(fd, head, 0, head.length, 0);
  writeSync(fd, tail, 0, tail.length, hole.span + 30);
  closeSync(fd);
  const script = 'import sys,zipfile\nz=zipfile.ZipFile(sys.argv[1])\nprint([i.file_size for i in z.infolist()],z.read("after"))';
  const read = await run('python3', ['-c', script, scratch.path('large.zip')]);
  assert.equal(read.stdout, `[${hole.span}, 6] b'after\\n'\n`, read.report);
  const tested = await run('unzip', ['-tq', scratch.path('large.zip'), 'after']);
  assert.equal(tested.status, 0, tested.report);
});

test('more than 65,535 members are counted', async (t) => {
  const scratch = makeScratch(t);
  const zip = zipOf(Array.from({ length: 65_600 }, (_, i) => file(`f${i}`, EMPTY_BLOCK)));
  writeFileSync(scratch.path('many.zip'), await partOf(zip, 0, await zipSize(zip, NEVER)));
  const read = await run('python3', [
    '-c',
    'import sys,zipfile\nprint(len(zipfile.ZipFile(sys.argv[1]).namelist()))',
    scratch.path('many.zip'),
  ]);
  assert.equal(read.stdout, '65600\n', read.report);
});
