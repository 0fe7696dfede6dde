import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { describe, it } from 'node:test';
import { tarParser } from '../../../../core/blockify/parsers/tar.ts';
import { blocksOf, edgesOf, holdsForAnyOctets, newOctets } from '../../../support/contents/parsing.ts';
import { makeRandom } from '../../../support/random.ts';
import { makeScratch } from '../../../support/scratch.ts';

const random = makeRandom(21);
const FILES = new Map<string, Buffer>([
  ['a/first', random.bytes(70_000)],
  ['a/small', random.bytes(100)],
  ['b/exact', random.bytes(1024)],
  [`b/${'long-name-'.repeat(20)}`, random.bytes(5000)],
  ['c', random.bytes(33_333)],
]);

/** An archive of files by tar(1), in their order; with all metadata the same each time, but for `mtime`. */
function tarOf(t: TestContext, files: ReadonlyMap<string, Buffer>, options: readonly string[], mtime = 1_700_000_000): Buffer {
  const scratch = makeScratch(t);
  const folder = scratch.mkdir('tree');
  for (const [name, content] of files) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  symlinkSync('c', join(folder, 'link'));
  const fixed = ['--owner=0', '--group=0', `--mtime=@${mtime}`];
  const made = spawnSync('tar', ['-C', folder, '-cf', scratch.path('t.tar'), ...options, ...fixed, 'link', ...files.keys()]);
  assert.equal(made.status, 0, made.stderr.toString());
  return readFileSync(scratch.path('t.tar'));
}

/** Where the contents of all but the smallest files begin and end. */
function contentEdges(data: Buffer, files: ReadonlyMap<string, Buffer>): number[] {
  return [...files.values()]
    .filter((content) => content.length >= 512)
    .flatMap((content) => [data.indexOf(content), data.indexOf(content) + content.length])
    .sort((a, b) => a - b);
}

/** A header made by hand; `size` is written as it is. */
function header(size: string | Uint8Array, type = '0'): Buffer {
  const block = Buffer.alloc(512);
  block.write('name', 0);
  block.set(typeof size === 'string' ? Buffer.from(size) : size, 124);
  block.write(`        ${type}`, 148);
  block.write('ustar', 257);
  let sum = 0;
  for (const octet of block) sum += octet;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

describe('tar', () => {
  for (const format of ['gnu', 'ustar', 'pax', 'oldgnu']) {
    it(`contents of members begin and end with an edge, in a ${format} archive`, (t) => {
      const files = format === 'ustar' ? new Map([...FILES].filter(([name]) => name.length < 100)) : FILES;
      const data = tarOf(t, files, [`--format=${format}`]);
      assert.ok(tarParser.begins?.(data.subarray(0, 4096)));
      assert.deepEqual(edgesOf(tarParser, [data]), contentEdges(data, files));
      const twice = Buffer.concat([data, data]);
      const edges = contentEdges(data, files);
      assert.deepEqual(edgesOf(tarParser, [twice]), [...edges, ...edges.map((edge) => edge + data.length)]);
    });
  }

  it('sparse members and those after them are found', (t) => {
    const scratch = makeScratch(t);
    const holey = scratch.path('holey');
    const parts = random.bytes(4096);
    writeFileSync(holey, '');
    for (let i = 1; i < 60; i++) {
      truncateSync(holey, i * 65_536);
      writeFileSync(holey, parts, { flag: 'a' });
    }
    const after = random.bytes(3000);
    writeFileSync(scratch.path('after'), after);
    for (const format of ['gnu', 'pax']) {
      const made = spawnSync('tar', ['-C', scratch.folder, '-Scf', scratch.path('s.tar'), `--format=${format}`, 'holey', 'after']);
      assert.equal(made.status, 0, made.stderr.toString());
      const data = readFileSync(scratch.path('s.tar'));
      assert.ok(data.length < 1_000_000, 'the file system keeps holes');
      const at = data.indexOf(after);
      const edges = edgesOf(tarParser, [data]);
      assert.ok(edges.includes(at) && edges.includes(at + after.length), format);
    }
  });

  it('sizes in base-256 and in pax headers count; hostile ones lead nowhere', () => {
    const content = random.bytes(1024);
    const base256 = Buffer.alloc(12);
    base256[0] = 0x80;
    base256.writeUInt32BE(1000, 8);
    assert.deepEqual(edgesOf(tarParser, [header(base256), content]), [512, 1512]);
    const pax = Buffer.alloc(512);
    pax.write('20 path=0123456789a\n13 size=1000\n');
    const withPax = Buffer.concat([header('00000000041', 'x'), pax, header('00000000000'), content, header('00000002000'), content]);
    assert.deepEqual(edgesOf(tarParser, [withPax]), [1536, 2536, 3072, 4096]);
    const hostile = [Buffer.alloc(12, 0xff), Buffer.from('80ffffffffffffffffffffff', 'hex'), '99999999999', '-0000000001', '77777777777'];
    for (const size of hostile) {
      const data = Buffer.concat([header(size), content, header('00000002000'), content]);
      const edges = edgesOf(tarParser, [data]);
      assert.ok(
        edges.every((edge) => [512, 2048, 3072].includes(edge)),
        `${edges}`,
      );
    }
  });

  it('what is no archive has no edges, and after damage the next header is found', (t) => {
    const data = tarOf(t, FILES, ['--format=gnu']);
    const text = Buffer.from('words and words\n'.repeat(9000));
    assert.ok(!tarParser.begins?.(text.subarray(0, 4096)));
    assert.ok(!tarParser.begins?.(Buffer.alloc(4096)));
    assert.ok(!tarParser.begins?.(data.subarray(0, 511)));
    assert.deepEqual(edgesOf(tarParser, [text]), []);
    // The header of the first file, after the link's.
    data.writeUInt8(1, 512);
    const edges = edgesOf(tarParser, [data]);
    assert.deepEqual(edges, contentEdges(data, FILES).slice(2));
  });

  it('the content comes back, with the same edges however it is cut, whatever octets it has', async (t) => {
    const small = new Map([...FILES].map(([name, content]) => [name, content.subarray(0, 3000)]));
    const samples = ['gnu', 'pax'].map((format) => tarOf(t, small, [`--format=${format}`]));
    await holdsForAnyOctets(tarParser, [...samples, Buffer.concat(samples)]);
  });

  it('members are found again as files, and a new archive of the same files costs its headers', async (t) => {
    const files = new Map(Array.from({ length: 120 }, (_, i) => [`file-${1000 + i}`, random.bytes(600 + random.below(30_000))]));
    const data = tarOf(t, files, []);
    const size = [...files.values()].reduce((sum, content) => sum + content.length, 0);
    const fromFiles = await newOctets([...files.values()], data, tarParser, undefined);
    assert.ok(fromFiles < 120 * 1100 + 20_000 && fromFiles < size * 0.1, `${fromFiles} of ${size}`);
    const touched = await newOctets([data], tarOf(t, files, [], 1_800_000_000), tarParser);
    const without = await newOctets([data], tarOf(t, files, [], 1_800_000_000));
    assert.ok(touched < without / 3, `${touched} with the parser, ${without} without`);
    assert.ok((await blocksOf(data, tarParser)).size < 120 * 2 + (size / 8192) * 1.5);
  });
});
