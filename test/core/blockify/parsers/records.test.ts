import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PendingBlocks } from '../../../../core/block/block-sink.ts';
import { DEFAULT_EDGES } from '../../../../core/block/edge-settings.ts';
import { hashByName } from '../../../../core/block/hash.ts';
import { readBlockBytes } from '../../../../core/block/read-range.ts';
import { leavesOf } from '../../../../core/block/tree-walk.ts';
import { blockify } from '../../../../core/blockify/blockify.ts';
import { parserNamed } from '../../../../core/blockify/choose-parser.ts';
import type { Parser } from '../../../../core/blockify/parser.ts';
import { storeDir } from '../../../../core/dirent/dir-codec.ts';
import { encodeDirent } from '../../../../core/dirent/dirent-codec.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';
import { portionsOf } from '../../../support/contents/contents.ts';
import { blocksOf, edgesOf, holdsForAnyOctets, newOctets } from '../../../support/contents/parsing.ts';
import {
  direntsOf,
  flushedGzipOf,
  gzipOf,
  mailOf,
  mboxOf,
  ndjsonOf,
  proseOf,
  rowsOf,
  sqlOf,
  syntaxSamples,
  vtdOf,
} from '../../../support/contents/syntax-samples.ts';
import { makeRandom } from '../../../support/random.ts';

function parserOf(name: string): Parser {
  const parser = parserNamed(name);
  assert.ok(parser !== undefined);
  return parser;
}

/** Where each part ends when they stand one after the other. */
function endsOf(parts: readonly { readonly length: number }[]): number[] {
  let at = 0;
  return parts.map(({ length }) => {
    at += length;
    return at;
  });
}

const samples = syntaxSamples(makeRandom(8));

describe('whatever the octets are', () => {
  for (const name of ['vtd', 'gzip', 'dirents', 'mbox', 'mail', 'sql', 'lines', 'text']) {
    it(`${name} gives them back, with edges that do not depend on how they are cut`, async () => {
      await holdsForAnyOctets(parserOf(name), [samples.get(name) ?? Buffer.alloc(0), samples.get('mbox') ?? Buffer.alloc(0)]);
    });
  }
});

describe('mailboxes', () => {
  const parser = parserOf('mbox');

  it('edges stand around large mails, and a line of a mail that begins with From is none', () => {
    const random = makeRandom(1);
    const mails = [3000, 60, 60, 9000, 4000].map((size) => mailOf(random, size));
    mails[3] = `${mails[3]}From here on it goes on.\n`;
    const parts = mails.map((mail) => mboxOf([mail]));
    const data = Buffer.concat(parts);
    const [a, , c, d] = endsOf(parts) as [number, number, number, number, number];
    const edges = edgesOf(parser, [data]);
    for (const edge of [a, c, d]) assert.ok(edges.includes(edge), `${edge} of ${edges}`);
    assert.ok(!edges.includes(endsOf(parts)[1] as number));
    assert.ok(edges.every((edge) => edge >= data.length || data.subarray(edge - 2, edge).includes('\n')));
  });

  it('mails in another order cost next to nothing; the kernel alone stores much of them again', async () => {
    const random = makeRandom(2);
    const mails = Array.from({ length: 120 }, () => mailOf(random, 1500 + random.below(9000)));
    const before = mboxOf(mails);
    const after = mboxOf([...mails].sort((a, b) => (a.slice(60, 90) < b.slice(60, 90) ? -1 : 1)));
    const alone = await newOctets([before], after);
    const parsed = await newOctets([before], after, parser);
    assert.ok(parsed < before.length / 50, `${parsed} of ${before.length}`);
    assert.ok(alone > before.length / 3, `${alone} of ${before.length}`);
  });

  it('an attachment is found again in another mail, in a mailbox or in a file of its own', async () => {
    const random = makeRandom(3);
    const attachment = random.bytes(40_000);
    const before = mboxOf([mailOf(random, 500), mailOf(random, 700, attachment)]);
    const after = Buffer.from(mailOf(random, 900, attachment));
    const parsed = await newOctets([before], after, parserOf('mail'), parser);
    assert.ok(parsed < 3000, `${parsed} of ${after.length}`);
    assert.ok((await newOctets([before], after)) > 2 * parsed);
  });
});

describe('gzip', () => {
  const random = makeRandom(4);
  const parts = [20_000, 30_000, 5000].map((size) => Buffer.from(proseOf(random, size)));

  it('edges stand around members and after flushes', () => {
    const members = parts.map((part) => gzipOf([part]));
    const edges = edgesOf(parserOf('gzip'), [Buffer.concat(members)]);
    for (const end of endsOf(members).slice(0, -1)) assert.ok(edges.includes(end), `${end} of ${edges}`);
    const flushed = flushedGzipOf(parts);
    const mark = flushed.indexOf(Buffer.from([0, 0, 255, 255]));
    assert.ok(edgesOf(parserOf('gzip'), [flushed]).includes(mark + 4));
  });

  it('members in another order are found again', async () => {
    const many = Array.from({ length: 60 }, () => Buffer.from(proseOf(random, 5000 + random.below(20_000))));
    const before = gzipOf(many);
    const after = gzipOf([...many].reverse());
    const parsed = await newOctets([before], after, parserOf('gzip'));
    assert.ok(parsed < before.length / 50, `${parsed} of ${before.length}`);
    assert.ok((await newOctets([before], after)) > before.length / 4);
  });
});

describe('data files and Dirs', () => {
  it('the Blocks of a data file are Blocks again', async () => {
    const random = makeRandom(5);
    const hash = hashByName('sha256');
    const content = random.bytes(400_000);
    const blocks: Buffer[] = [];
    for await (const piece of blockify(content, DEFAULT_EDGES)) if (piece.kind === 'data') blocks.push(Buffer.from(piece.data));
    const found = await blocksOf(vtdOf(random, blocks), parserOf('vtd'));
    for (const block of blocks) assert.ok(found.has(Buffer.from(hash.digest(block)).toString('hex')), `${block.length} octets`);
  });

  it('after a damaged record the next one is found', () => {
    const random = makeRandom(6);
    const blocks = [5000, 6000, 7000].map((size) => random.bytes(size));
    const data = vtdOf(random, blocks);
    const undamaged = edgesOf(parserOf('vtd'), [data]);
    assert.deepEqual(undamaged, [120, 5120, 5176, 11_176, 11_232, 18_232]);
    data.fill(0, 5130, 5170);
    assert.deepEqual(edgesOf(parserOf('vtd'), [data]), [120, 5120, 11_232, 18_232]);
  });

  it('data files of the Python vt have edges around what they store', () => {
    const record = (data: Buffer): Buffer => Buffer.concat([Buffer.from([0, 0x80 | (data.length >> 7), data.length & 0x7f]), data]);
    const random = makeRandom(7);
    const data = Buffer.concat([1000, 5000, 300].map((size) => record(random.bytes(size))));
    assert.deepEqual(edgesOf(parserOf('vtd'), [data]), [3, 1003, 1006, 6006, 6009, 6309]);
  });

  it('edges that are told by what comes after them are told in time, however small the slices are', () => {
    const random = makeRandom(17);
    const python = Buffer.concat([Buffer.from([0, 2]), random.bytes(2), Buffer.from([0, 0x84, 0]), random.bytes(512)]);
    const [dirent] = direntsOf(random, 1);
    assert.ok(dirent !== undefined);
    const salt = Buffer.concat([Buffer.from([0x85, 0x00, 0x73]), random.bytes(639)]);
    const dir = Buffer.concat([encodeDirent(dirent), salt, encodeDirent(dirent)]);
    for (const [name, data] of [
      ['vtd', python],
      ['dirents', dir],
    ] as const) {
      const whole = edgesOf(parserOf(name), [data]);
      assert.ok(whole.length > 0);
      assert.deepEqual(edgesOf(parserOf(name), portionsOf(data, [3])), whole, name);
    }
  });

  for (const salt of [undefined, Buffer.from('saltsalt')]) {
    it(`an encoded Dir ${salt === undefined ? '' : 'with salt '}has edges where the Dir's own leaves end`, async () => {
      const dirents = direntsOf(makeRandom(9), 900);
      const store = new MemoryStore({ hashName: 'sha256' });
      const sink = new PendingBlocks('sha256');
      const block = storeDir(sink, dirents, { salt });
      await sink.flushTo(store);
      const sizes: number[] = [];
      const octets: Buffer[] = [];
      for await (const leaf of leavesOf(store, block)) {
        octets.push(Buffer.from(await readBlockBytes(store, leaf.block)));
        sizes.push(leaf.block.span);
      }
      assert.ok(sizes.length > 5);
      const data = Buffer.concat(octets);
      assert.ok(parserOf('dirents').begins?.(data.subarray(0, 4096)));
      const edges = new Set(edgesOf(parserOf('dirents'), [data]));
      for (const end of endsOf(octets).slice(0, -1)) assert.ok(edges.has(end), `${end}`);
      assert.ok(edges.size <= sizes.length);
    });
  }
});

describe('SQL, lines and text', () => {
  it('tables of a dump are found again in another order', async () => {
    const random = makeRandom(10);
    const tables = Array.from({ length: 30 }, (_, i) => [`t${i}`, rowsOf(random, 100 + random.below(900))] as const);
    const before = sqlOf(new Map(tables));
    const after = sqlOf(new Map([...tables].reverse()));
    const parsed = await newOctets([before], after, parserOf('sql'));
    assert.ok(parsed < before.length / 50, `${parsed} of ${before.length}`);
    assert.ok((await newOctets([before], after)) > 2 * parsed);
  });

  it('large JSON documents, one a line, are found again in another order', async () => {
    const random = makeRandom(11);
    const lines = ndjsonOf(
      random,
      Array.from({ length: 150 }, () => 2500 + random.below(12_000)),
    );
    const before = Buffer.from(`${lines.join('\n')}\n`);
    const after = Buffer.from(`${[...lines].reverse().join('\n')}\n`);
    const parsed = await newOctets([before], after, parserOf('lines'));
    assert.ok(parsed < before.length / 50, `${parsed} of ${before.length}`);
    assert.ok((await newOctets([before], after)) > before.length / 3);
  });

  it('edges stand around lines of 2,048 octets and more, and nowhere else', () => {
    const lengths = [10, 2046, 10, 2047, 10, 10, 9000, 3000, 5];
    const lines = lengths.map((length) => `${'x'.repeat(length)}\n`);
    const ends = endsOf(lines);
    const large = ends.filter((_, i) => Math.max(lengths[i] ?? 0, lengths[i + 1] ?? 0) >= 2047);
    assert.deepEqual(edgesOf(parserOf('lines'), [Buffer.from(lines.join(''))]), large);
  });

  it('inserting rows into a table of values costs no more than with the kernel alone', async () => {
    const random = makeRandom(12);
    const rows = Array.from({ length: 40_000 }, (_, i) => `${i},${random.below(1e6)},${proseOf(random, 20)}`);
    const before = Buffer.from(rows.join('\n'));
    for (let i = 0; i < 20; i++) rows.splice(random.below(rows.length), 0, `new,${i},row`);
    const after = Buffer.from(rows.join('\n'));
    assert.ok((await newOctets([before], after, parserOf('lines'))) <= (await newOctets([before], after)));
  });

  it('large sections of a text are found again when they are moved', async () => {
    const random = makeRandom(13);
    const sections = Array.from(
      { length: 80 },
      (_, i) => `## Section ${i}\n\n${[900, 900, 900 + random.below(9000)].map((size) => proseOf(random, size)).join('\n\n')}\n\n`,
    );
    const before = Buffer.from(sections.join(''));
    const after = Buffer.from([...sections].reverse().join(''));
    const parsed = await newOctets([before], after, parserOf('text'));
    const alone = await newOctets([before], after);
    assert.ok(parsed < alone / 5, `${parsed} and ${alone} of ${before.length}`);
  });
});
