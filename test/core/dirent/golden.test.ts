import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openArchiveFile } from '../../../core/archive/archive-file.ts';
import { ByteWriter } from '../../../core/base/byte-writer.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { formatBlock, parseBlock } from '../../../core/block/block-text.ts';
import { decodeBlockref, encodeBlockref } from '../../../core/block/blockref.ts';
import { decodeHashcode, writeHashcode } from '../../../core/block/hashcode.ts';
import { formatHashcode, parseHashcode } from '../../../core/block/hashcode-text.ts';
import { leavesOf } from '../../../core/block/tree-walk.ts';
import { readDir, storeDir } from '../../../core/dirent/dir-codec.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { decodeDirent, encodeDirent } from '../../../core/dirent/dirent-codec.ts';
import { formatDirent, parseDirent } from '../../../core/dirent/dirent-text.ts';
import { timelineOf } from '../../../core/history/timeline.ts';
import { PROJECT_ROOT } from '../../support/project.ts';
import { MapSource } from '../../support/stores/map-source.ts';

// What lies on people's disks: see test/golden/vtftp/README.md.

interface Golden {
  readonly hashcodes: readonly { text: string; hex: string }[];
  readonly blocks: readonly { text: string; hex: string }[];
  readonly dirents: readonly { what: string; text: string; hex: string }[];
  readonly dirs: readonly {
    what: string;
    entries: number;
    salt: string | null;
    block: string;
    leafSpans: readonly number[];
    blocks: number;
  }[];
}

const FOLDER = join(PROJECT_ROOT, 'test/golden/vtftp');
const GOLDEN = JSON.parse(readFileSync(join(FOLDER, 'objects.json'), 'utf8')) as Golden;

describe('formats of version 1, as they were first written', () => {
  for (const { text, hex } of GOLDEN.hashcodes) {
    it(`${text.slice(0, 24)}… keeps its text and bytes`, () => {
      const writer = new ByteWriter();
      writeHashcode(writer, parseHashcode(text));
      assert.equal(writer.take().toString('hex'), hex);
      assert.equal(formatHashcode(decodeHashcode(Buffer.from(hex, 'hex'), 0).value), text);
    });
  }

  for (const { text, hex } of GOLDEN.blocks) {
    it(`${text.slice(0, 36)} keeps its text and bytes`, () => {
      assert.equal(encodeBlockref(parseBlock(text)).toString('hex'), hex);
      assert.equal(formatBlock(decodeBlockref(Buffer.from(hex, 'hex'), 0).value), text);
    });
  }

  for (const { what, text, hex } of GOLDEN.dirents) {
    it(`the Dirent of ${what} keeps its text and bytes`, () => {
      assert.equal(encodeDirent(parseDirent(text)).toString('hex'), hex);
      assert.equal(formatDirent(decodeDirent(Buffer.from(hex, 'hex'), 0).value), text);
      assert.equal(formatDirent(parseDirent(text)), text);
    });
  }

  for (const golden of GOLDEN.dirs) {
    it(`the Dir of ${golden.what} keeps its edges, Blocks and reference`, async () => {
      const source = new MapSource();
      const entries = Array.from({ length: golden.entries }, (_, i) => entryOf(i));
      const block = storeDir(source, entries, { salt: golden.salt === null ? undefined : Buffer.from(golden.salt, 'hex') });
      const spans: number[] = [];
      for await (const { block: leaf } of leavesOf(source, block)) spans.push(leaf.span);
      assert.deepEqual(spans, golden.leafSpans);
      assert.equal(encodeBlockref(block).toString('hex'), golden.block);
      assert.equal(source.blocks.size, golden.blocks);
      let count = 0;
      for await (const entry of readDir(source, decodeBlockref(Buffer.from(golden.block, 'hex'), 0).value)) {
        assert.deepEqual(entry, entries[count++]);
      }
      assert.equal(count, entries.length);
    });
  }

  it('the archive gives its entries, and tells of its damaged line', async () => {
    const archive = openArchiveFile(join(FOLDER, 'archive.vt'), { readOnly: true });
    const found: [number, bigint, Octets][] = [];
    const damage: number[] = [];
    for await (const { number, whenNs, dirent } of archive.entries({ onDamage: (line) => damage.push(line) }))
      found.push([number, whenNs, dirent.name]);
    assert.deepEqual(found, [
      [1, 1_795_364_221_123_456_789n, 'home'],
      [2, 1_795_364_282_000_000_000n, ''],
      [3, 1_795_357_092_132_401_500n, 'tree'],
      [4, -1_500_000_000n, 'before 1970'],
    ]);
    assert.deepEqual(damage, [3]);
    assert.equal((await archive.last())?.number, 4);
  });

  it('an archive with notes gives them, those that nobody knows too', async () => {
    const archive = openArchiveFile(join(FOLDER, 'archive-notes.vt'), { readOnly: true });
    const found: unknown[] = [];
    for await (const { dirent, notes } of archive.entries()) found.push([dirent.name, ...(notes ?? [])]);
    assert.deepEqual(found, [
      ['plain'],
      ['noted', ['undo', '1'], ['message', 'a "quoted" word, \xc3\xa9, } and \n']],
      ['later', ['from_a_later_version', '']],
    ]);
  });
});

it('an archive says how its states follow each other', async () => {
  const archive = openArchiveFile(join(FOLDER, 'archive-states.vt'), { readOnly: true });
  const { line, ahead } = await timelineOf(archive);
  assert.deepEqual([line.map(({ number }) => number), ahead.map(({ number }) => number)], [[0, 2], [3]]);
});

function entryOf(i: number): Dirent {
  const content = new Uint8Array(Buffer.from(`${i}`));
  return {
    kind: 'file',
    name: `entry-${i.toString().padStart(5, '0')}.txt` as Octets,
    meta: { mode: 0o644, mtimeNs: BigInt(i) * 1_000_000_000n },
    block: { kind: 'literal', span: content.length, data: content },
  };
}
