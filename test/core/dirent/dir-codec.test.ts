import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CopyBuffer } from '../../../core/base/copy-buffer.ts';
import { MissingBlockError, ParseError, VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { compareOctets } from '../../../core/base/octets.ts';
import type { Block } from '../../../core/block/block.ts';
import { EMPTY_BLOCK } from '../../../core/block/block.ts';
import { readBlockBytes } from '../../../core/block/read-range.ts';
import { leavesOf } from '../../../core/block/tree-walk.ts';
import {
  DirWriter,
  decodeDir,
  decodeDirStream,
  MAX_DIR_LEAF_SIZE,
  MIN_DIR_LEAF_SIZE,
  readDir,
  storeDir,
} from '../../../core/dirent/dir-codec.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { encodeDirent } from '../../../core/dirent/dirent-codec.ts';
import { dirents, names } from '../../support/arbitraries.ts';
import { decodesOrRefuses, survivesEveryBitFlip } from '../../support/fuzz/decoding.ts';
import { MapSource } from '../../support/stores/map-source.ts';

const anyDir = fc
  .uniqueArray(
    fc.tuple(names, dirents).map(([name, dirent]): Dirent => ({ ...dirent, name })),
    { maxLength: 12, selector: ({ name }) => name },
  )
  .map((entries) => entries.sort((a, b) => compareOctets(a.name, b.name)));

function file(name: string, content = 'content'): Dirent {
  return {
    kind: 'file',
    name: name as Octets,
    meta: { mode: 0o644, uid: 1000, gid: 1000, mtimeNs: 1_577_934_245_678_901_234n },
    block: { kind: 'literal', span: content.length, data: Uint8Array.from(Buffer.from(content)) },
  };
}

function manyFiles(count: number): Dirent[] {
  return Array.from({ length: count }, (_, i) => file(`file-${i.toString().padStart(7, '0')}.txt`));
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function encodedBytes(source: MapSource, block: Block): Promise<Buffer> {
  return Buffer.from(await readBlockBytes(source, block));
}

describe('Dirs in bytes', () => {
  it('any Dir reads back to the same entries, salted or not', async () => {
    await fc.assert(
      fc.asyncProperty(anyDir, fc.option(fc.uint8Array({ minLength: 8, maxLength: 40 }), { nil: undefined }), async (entries, salt) => {
        const source = new MapSource();
        const block = storeDir(source, entries, { salt });
        assert.deepEqual(await all(readDir(source, block)), entries);
        assert.deepEqual(decodeDir(await encodedBytes(source, block)), entries);
      }),
    );
  });

  it('the encoding is the records one after the other, and a salt record first in each leaf', async () => {
    const source = new MapSource();
    const entries = [file('a'), file('b')];
    const records = Buffer.concat(entries.map((entry) => encodeDirent(entry)));
    assert.deepEqual(await encodedBytes(source, storeDir(source, entries)), records);
    const salted = await encodedBytes(source, storeDir(source, entries, { salt: Buffer.from('8 octets') }));
    assert.deepEqual(salted, Buffer.concat([Buffer.from('\x09s8 octets'), records]));
    assert.deepEqual(storeDir(source, []), EMPTY_BLOCK);
  });

  it('salt changes the hash of every Block of a Dir, and nothing else', async () => {
    const source = new MapSource();
    const entries = manyFiles(2000);
    const plain = storeDir(source, entries);
    const salted = storeDir(source, entries, { salt: Buffer.from('salt of 16 octet') });
    const leaves = async (block: Block): Promise<Set<string>> =>
      new Set((await all(leavesOf(source, block))).map(({ block: leaf }) => JSON.stringify(leaf)));
    const plainLeaves = await leaves(plain);
    for (const leaf of await leaves(salted)) assert.ok(!plainLeaves.has(leaf));
    assert.deepEqual(await all(readDir(source, salted)), entries);
  });

  it('edges fall between Dirents, and leaves keep their bounds', async () => {
    const source = new MapSource();
    const entries = manyFiles(20_000);
    const block = storeDir(source, entries);
    const decoded: Dirent[] = [];
    const leaves = await all(leavesOf(source, block));
    for (const [i, { block: leaf }] of leaves.entries()) {
      assert.ok(
        leaf.span <= MAX_DIR_LEAF_SIZE && (leaf.span >= MIN_DIR_LEAF_SIZE || i === leaves.length - 1),
        `leaf of ${leaf.span} octets`,
      );
      decoded.push(...decodeDir(await readBlockBytes(source, leaf)));
    }
    assert.deepEqual(decoded, entries);
    assert.ok(leaves.length > 100);
  });

  it('a change in a Dir of 100,000 entries rewrites few Blocks', () => {
    const entries = manyFiles(100_000);
    const before = new MapSource();
    storeDir(before, entries);
    const edits: readonly { what: string; edit: (entries: Dirent[]) => void }[] = [
      { what: 'changes an entry', edit: (list) => list.splice(50_000, 1, file('file-0050000.txt', 'changed, and longer')) },
      { what: 'removes an entry', edit: (list) => list.splice(12_345, 1) },
      { what: 'adds an entry', edit: (list) => list.splice(77_778, 0, file('file-0077777.txt~')) },
      { what: 'adds one at the start', edit: (list) => list.unshift(file('a')) },
      { what: 'adds one at the end', edit: (list) => list.push(file('z')) },
    ];
    for (const { what, edit } of edits) {
      const changed = [...entries];
      edit(changed);
      const after = new MapSource();
      storeDir(after, changed);
      const fresh = [...after.blocks.keys()].filter((key) => !before.blocks.has(key));
      // The leaf, or two where an edge came or went, and a superblock at each of the levels above.
      assert.ok(fresh.length >= 2 && fresh.length <= 8, `${what}: ${fresh.length} of ${after.blocks.size} Blocks are new`);
    }
  });

  it('a record that was encoded before goes in as it is', async () => {
    const source = new MapSource();
    const entries = manyFiles(3000);
    const writer = new DirWriter(source);
    for (const entry of entries) writer.addRecord(entry.name, encodeDirent(entry));
    assert.deepEqual(writer.finish(), storeDir(source, entries));
    assert.throws(() => writer.addRecord('other' as Octets, encodeDirent(file('name'))), RangeError);
  });

  it('an entry larger than a leaf has a leaf of its own', async () => {
    const source = new MapSource();
    const big: Dirent = { ...file('m'), meta: { xattrs: new Map([['user.big' as Octets, new Uint8Array(200_000).fill(7)]]) } };
    const entries = [file('a'), big, file('z')];
    const block = storeDir(source, entries, { salt: Buffer.from('8 octets') });
    assert.equal((await all(leavesOf(source, block))).length, 3);
    assert.deepEqual(await all(readDir(source, block)), entries);
  });

  it('entries out of order, twice, or without a name are refused when encoding', () => {
    const sink = new MapSource();
    for (const list of [[file('b'), file('a')], [file('a'), file('a')], [file('')]]) assert.throws(() => storeDir(sink, list), RangeError);
    assert.throws(() => storeDir(sink, [], { salt: new Uint8Array(7) }), RangeError);
  });

  it('entries out of order, twice, or without a name are refused when decoding', () => {
    for (const list of [[file('b'), file('a')], [file('a'), file('a')], [file('')]]) {
      assert.throws(() => decodeDir(Buffer.concat(list.map((entry) => encodeDirent(entry)))), ParseError);
    }
    assert.throws(() => decodeDir(Buffer.from('\x08s7 octet')), ParseError);
  });

  it('a Dir cut short within a record is refused, between records it is a shorter Dir; flipped bits give a value or a VtError', async () => {
    await fc.assert(
      fc.asyncProperty(anyDir, async (entries) => {
        const records = entries.map((entry) => encodeDirent(entry));
        const encoded = Buffer.concat(records);
        const ends = new Set([0]);
        let end = 0;
        for (const record of records) {
          end += record.length;
          ends.add(end);
        }
        for (let length = 0; length < encoded.length; length++) {
          const error = decodesOrRefuses(() => decodeDir(encoded.subarray(0, length)), `${length} octets`);
          assert.equal(error?.code, ends.has(length) ? undefined : 'EPARSE');
        }
        survivesEveryBitFlip(encoded.subarray(0, 400), decodeDir);
      }),
      { numRuns: 15 },
    );
  });
});

describe('Dirs decode from their leaf Blocks as they arrive', () => {
  it('the first entries are there before the last Blocks are asked for', async () => {
    const source = new MapSource();
    const entries = manyFiles(50_000);
    const block = storeDir(source, entries);
    source.asked.length = 0;
    let count = 0;
    for await (const entry of readDir(source, block)) {
      assert.deepEqual(entry, entries[count++]);
      if (count === 1) {
        assert.ok(source.asked.length < source.blocks.size / 2, `${source.asked.length} of ${source.blocks.size} Blocks were asked for`);
      }
    }
    assert.equal(count, entries.length);
  });

  it('a Dir decodes alike from pieces of any sizes, with offsets of the whole in its errors', async () => {
    await fc.assert(
      fc.asyncProperty(anyDir, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 }), async (entries, sizes) => {
        const encoded = Buffer.concat(entries.map((entry) => encodeDirent(entry)));
        const found: Dirent[] = [];
        for await (const batch of decodeDirStream(CopyBuffer.of(pieces(encoded, sizes)))) found.push(...batch);
        assert.deepEqual(found, entries);
        const broken = Buffer.concat([encoded, Buffer.from('\x04v\x01\x09\x00')]);
        const cut = encoded.length === 0 ? broken.subarray(0, 3) : Buffer.concat([encoded, encoded.subarray(0, 3)]);
        await assert.rejects(all(decodeDirStream(CopyBuffer.of(pieces(broken, sizes)))), VtError);
        await assert.rejects(
          all(decodeDirStream(CopyBuffer.of(pieces(cut, sizes)))),
          (error) => error instanceof ParseError && error.offset >= encoded.length && error.offset <= cut.length,
        );
      }),
      { numRuns: 40 },
    );
  });

  it('what stands before a missing Block is given, and then the Block is named', async () => {
    const source = new MapSource();
    const entries = manyFiles(20_000);
    const block = storeDir(source, entries);
    const leaves = await all(leavesOf(source, block));
    const last = leaves.at(-1)?.block;
    assert.equal(last?.kind, 'hash');
    if (last?.kind === 'hash') source.blocks.delete(Buffer.from(last.hashcode.digest).toString('hex'));
    let count = 0;
    await assert.rejects(async () => {
      for await (const _ of readDir(source, block)) count++;
    }, MissingBlockError);
    assert.ok(count > 19_000);
  });
});

function* pieces(data: Buffer, sizes: readonly number[]): Generator<Uint8Array> {
  for (let offset = 0, i = 0; offset < data.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    yield data.subarray(offset, offset + size);
    offset += size;
  }
}
