import type { Octets } from '../../../core/base/octets.ts';
import { octetsFromText } from '../../../core/base/octets.ts';
import type { Block } from '../../../core/block/block.ts';
import { EMPTY_BLOCK } from '../../../core/block/block.ts';
import { storeDir } from '../../../core/dirent/dir-codec.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { encodeDirent } from '../../../core/dirent/dirent-codec.ts';
import { MAX_XATTRS } from '../../../core/dirent/xattrs-codec.ts';
import type { MapSource } from '../stores/map-source.ts';
import type { Bomb } from './bomb.ts';
import { dir, ENDLESS, entries, file, literal, numbered, run, stored, superblock, times, tower } from './bomb.ts';

const TIB = 2 ** 40;
const UUID = '00000000-0000-4000-8000-000000000001';

/** A salt record, as it stands in a Dir. */
function salt(size: number): Buffer {
  return Buffer.concat([Buffer.from([1 + size]), Buffer.alloc(1 + size, 's')]);
}

/** Many entries, each by its number. */
function* many(count: number, make: (name: Octets, index: number) => Dirent): Generator<Dirent> {
  for (let i = 0; i < count; i++) yield make(numbered(i), i);
}

function emptyFile(name: Octets): Dirent {
  return { kind: 'file', name, meta: {}, block: EMPTY_BLOCK };
}

/** A Dir with Dirs in it that are one, over and over. */
function dirs(blocks: MapSource, levels: number, width: number): Block {
  let block: Block = stored(blocks, entries([file('leaf', literal('x'))]));
  for (let level = 0; level < levels; level++) {
    const below = block;
    block = storeDir(
      blocks,
      many(width, (name) => ({ kind: 'dir', name, meta: {}, block: below })),
    );
  }
  return block;
}

/** Earlier states, each of which has the one before it. */
function history(blocks: MapSource, length: number, make: (index: number) => Dirent): Dirent {
  let dirent = make(0);
  for (let i = 1; i < length; i++) dirent = { ...make(i), prev: stored(blocks, encodeDirent(dirent)) };
  return dirent;
}

function withXattrs(name: string, xattrs: ReadonlyMap<Octets, Uint8Array>): Dirent {
  return { kind: 'file', name: octetsFromText(name), meta: { xattrs }, block: literal('x') };
}

function manyXattrs(value: string): ReadonlyMap<Octets, Uint8Array> {
  return new Map(Array.from({ length: MAX_XATTRS }, (_, i) => [`user.${numbered(i)}` as Octets, Buffer.from(value)]));
}

/** Runs, references to nothing, depth, width, names, attributes, histories. */
export const BOMBS: readonly Bomb[] = [
  { name: 'hole of 15 TiB', make: () => file('f', run(15 * TIB, 0)) },
  { name: 'hole of 1 PiB', make: () => file('f', run(1024 * TIB, 0)) },
  { name: 'longest hole', make: () => file('f', run(ENDLESS, 0)) },
  { name: 'longest run of x', make: () => file('f', run(ENDLESS, 'x')) },
  { name: 'longest run of newlines', make: () => file('f', run(ENDLESS, '\n')) },
  { name: 'part of a run', make: () => file('f', { kind: 'sub', span: ENDLESS - 10, offset: 5, base: run(ENDLESS, 'y') }) },
  {
    name: 'holes and octets by turns',
    make: (blocks) => file('f', tower(blocks, superblock(blocks, [run(4096, 0), literal('x')]), 4, 1000)),
  },
  {
    name: 'runs of two octets by turns',
    make: (blocks) => file('f', tower(blocks, superblock(blocks, [run(TIB, 'a'), run(TIB, 'b')]), 1, 1000)),
  },
  { name: 'Dir of salt without end', make: () => dir('d', run(8_162_774_324_609_024, 's')) },
  { name: 'Dir of salt records', make: (blocks) => dir('d', tower(blocks, stored(blocks, Buffer.concat(times(1000, salt(60)))), 3, 1000)) },
  {
    name: 'Dir of large salt records',
    make: (blocks) =>
      dir('d', tower(blocks, stored(blocks, Buffer.concat([Buffer.from([0x87, 0xff, 0x7f]), Buffer.alloc(0x1ffff, 's')])), 3, 1000)),
  },
  { name: 'Dir of a run of lengths', make: () => dir('d', run(ENDLESS, 0xff)) },
  { name: 'Dir of NUL', make: () => dir('d', run(ENDLESS, 0)) },
  {
    name: 'inodes of salt without end',
    make: () =>
      ({
        ...dir('d', literal(entries([{ kind: 'indirect', name: 'a' as Octets, meta: {}, uuid: UUID }]))),
        inodes: run(8_162_774_324_609_024, 's'),
        links: 1,
      }) as Dirent,
  },
  { name: 'earlier state of a run', make: () => ({ ...file('f', literal('x')), prev: run(ENDLESS, 'v') }) },
  {
    name: '31 levels of references to nothing',
    make: (blocks) => file('f', superblock(blocks, [tower(blocks, EMPTY_BLOCK, 31, 1000), literal('x')])),
  },
  {
    name: '31 levels of references to nothing in a large file',
    make: (blocks) => file('f', superblock(blocks, [tower(blocks, EMPTY_BLOCK, 30, 1000), stored(blocks, Buffer.alloc(6 * 2 ** 20, 'a'))])),
  },
  {
    name: '3,000,000 empty literals, 400 times',
    isLarge: true,
    make: (blocks) => file('f', tower(blocks, superblock(blocks, [...times(3_000_000, EMPTY_BLOCK), literal('x')]), 1, 400)),
  },
  {
    name: 'empty runs',
    make: (blocks) => file('f', tower(blocks, superblock(blocks, [...times(100_000, run(0, 'x')), literal('x')]), 2, 1000)),
  },
  {
    name: '1,000 empty literals a superblock',
    make: (blocks) => file('f', tower(blocks, superblock(blocks, [...times(1000, EMPTY_BLOCK), literal('x')]), 3, 1000)),
  },
  {
    name: 'Dir of references to nothing',
    make: (blocks) =>
      dir('d', superblock(blocks, [tower(blocks, EMPTY_BLOCK, 31, 1000), stored(blocks, entries([file('a', literal('x'))]))])),
  },
  {
    name: 'empty parts of a run',
    make: (blocks) =>
      file(
        'f',
        superblock(blocks, [...times(100_000, { kind: 'sub', span: 0, offset: 7, base: run(ENDLESS, 'y') } as Block), literal('x')]),
      ),
  },
  { name: '31 levels of two', make: (blocks) => file('f', tower(blocks, literal('x'), 31, 2)) },
  { name: '100 levels', make: (blocks) => file('f', tower(blocks, literal('x'), 100, 1)) },
  { name: 'Dir of 31 levels of two', make: (blocks) => dir('d', tower(blocks, literal('x'), 31, 2)) },
  { name: '10 levels of 65,000 octets', isLarge: true, make: (blocks) => file('f', tower(blocks, literal('x'), 3, 65_000)) },
  {
    name: '1,000,000 runs in a superblock',
    isLarge: true,
    make: (blocks) => file('f', tower(blocks, superblock(blocks, times(1_000_000, run(1, 'x'))), 2, 1000)),
  },
  { name: 'octets one by one', make: (blocks) => file('f', tower(blocks, literal('x'), 2, 1000)) },
  { name: 'one Block over and over', make: (blocks) => file('f', tower(blocks, stored(blocks, Buffer.alloc(2 ** 20, 'ab')), 3, 1000)) },
  {
    name: 'zeros that were compressed, over and over',
    make: (blocks) => file('f', tower(blocks, stored(blocks, Buffer.alloc(2 ** 24)), 2, 1000)),
  },
  { name: 'Dirs that are one: 30 levels of two', make: (blocks) => dir('d', dirs(blocks, 30, 2)) },
  { name: 'Dirs that are one: 4 levels of 1,000', make: (blocks) => dir('d', dirs(blocks, 4, 1000)) },
  { name: '2,000 Dirs deep', make: (blocks) => dir('d', dirs(blocks, 2000, 1)) },
  { name: '130,000 names', isLarge: true, make: (blocks) => dir('d', storeDir(blocks, many(130_000, emptyFile))) },
  { name: '400,000 names in one Block', isLarge: true, make: (blocks) => dir('d', stored(blocks, entries(many(400_000, emptyFile)))) },
  {
    name: 'names of 60,000 octets',
    make: (blocks) =>
      dir(
        'd',
        storeDir(
          blocks,
          many(500, (name) => emptyFile((name + 'x'.repeat(60_000)) as Octets)),
        ),
      ),
  },
  { name: 'a name of 10 MB', make: (blocks) => dir('d', stored(blocks, entries([emptyFile('x'.repeat(10_000_000) as Octets)]))) },
  {
    name: 'a link of 10 MB',
    make: (blocks) =>
      dir('d', stored(blocks, entries([{ kind: 'symlink', name: 'l' as Octets, meta: {}, target: 'x'.repeat(10_000_000) as Octets }]))),
  },
  {
    name: '100,000 hard links without a table',
    isLarge: true,
    make: (blocks) =>
      ({
        ...dir(
          'd',
          storeDir(
            blocks,
            many(100_000, (name) => ({ kind: 'indirect', name, meta: {}, uuid: UUID })),
          ),
        ),
        links: 100_000,
      }) as Dirent,
  },
  { name: '65,536 attributes', make: () => withXattrs('f', manyXattrs('v')) },
  { name: '65,536 attributes of 200 octets', make: () => withXattrs('f', manyXattrs('v'.repeat(200))) },
  { name: 'an attribute of 12 MB', make: () => withXattrs('f', new Map([['user.a' as Octets, Buffer.alloc(12_000_000, 'v')]])) },
  { name: '20,000 earlier states', make: (blocks) => history(blocks, 20_000, (i) => file('f', literal(`${i}`))) },
  {
    name: 'earlier states of Dirs that are one',
    make: (blocks) => history(blocks, 500, (i) => dir('d', i % 2 === 0 ? dirs(blocks, 10, 3) : EMPTY_BLOCK)),
  },
];
