import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Octets } from '../../../../core/base/octets.ts';
import { setXattr } from '../../../../core/base/system/libc.ts';
import { formatBlock } from '../../../../core/block/block-text.ts';
import { readBlockBytes } from '../../../../core/block/read-range.ts';
import { chooseParser, NO_PARSER, parserNames, parserOf } from '../../../../core/blockify/choose-parser.ts';
import { Ingest } from '../../../../core/blockify/ingest/ingest.ts';
import { PARSERS } from '../../../../core/blockify/parsers/list.ts';
import { storeContent } from '../../../../core/blockify/store-content.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';
import { portionsOf } from '../../../support/contents/contents.ts';
import { ingestFile } from '../../../support/contents/ingest-file.ts';
import { mailOf, mboxOf, syntaxSamples } from '../../../support/contents/syntax-samples.ts';
import { makeRandom } from '../../../support/random.ts';
import { makeScratch } from '../../../support/scratch.ts';

function head(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

describe('the parser of a content', () => {
  const CASES: readonly {
    readonly says: string;
    readonly name?: string;
    readonly type?: string;
    readonly head?: string;
    readonly parser?: string;
  }[] = [
    { says: 'its extension', name: 'inbox.mbox', parser: 'mbox' },
    { says: 'its extension in capitals', name: 'A.TAR', parser: 'tar' },
    { says: 'the extension of an rsync temporary name', name: '.dump.sql.Xa3b9Z', parser: 'sql' },
    { says: 'its MIME type', name: 'x', type: 'application/gzip', parser: 'gzip' },
    { says: 'its MIME type with parameters', type: 'Text/CSV; charset=utf-8', parser: 'lines' },
    { says: 'its first octets', name: 'Inbox', head: 'From me Mon Jan  2 15:04:05 2023\nSubject: x\n', parser: 'mbox' },
    {
      says: 'its first octets, where the name says no more than text',
      name: 'old.txt',
      head: 'From me Mon Jan\nSubject: x\n',
      parser: 'mbox',
    },
    { says: 'its name rather than its first octets', name: 'a.csv', head: '%PDF-1.4\n', parser: 'lines' },
    { says: 'that it looks like text', name: 'Makefile', head: 'all:\n\tcc x.c\n', parser: 'text' },
    { says: 'a name that lies of text', name: 'x.mbox', head: '\x93\x00\x01From' },
    { says: 'a name and a type that lie of text', name: 'x.sql', type: 'text/plain', head: 'a\0b\n\n' },
    { says: 'its octets, where a name lies of text', name: 'x.txt', head: `PK\x03\x04\x14${'\0'.repeat(40)}`, parser: 'zip' },
    { says: 'nothing', name: 'core', head: '\x7fELF\x02\x01\x01\0\0\0\0' },
    {
      says: 'only that it is a mail of a Maildir',
      name: '1700000000.M1P2.host:2,S',
      head: 'Received: by x\nFrom: a@b\nDate: today\n\nHi\n',
      parser: 'mail',
    },
  ];
  for (const { says, name, type, head: octets = '', parser } of CASES) {
    it(`${parser ?? 'none'} where ${says} says so`, () => {
      assert.equal(chooseParser({ head: head(octets), fileName: name as Octets | undefined, mimeType: type })?.name, parser);
    });
  }

  it('every sample is known by its first octets alone', () => {
    for (const [name, data] of syntaxSamples(makeRandom(3))) assert.equal(chooseParser({ head: data.subarray(0, 4096) })?.name, name);
  });

  it('somebody may ask for one, or for none; contents too short for an edge have none', () => {
    const text = head('x\n'.repeat(3000));
    assert.equal(parserOf({ parser: 'sql', fileName: 'a.txt' as Octets }, text, 2048)?.name, 'sql');
    assert.equal(parserOf({ parser: NO_PARSER, fileName: 'a.tar' as Octets }, text, 2048), undefined);
    assert.equal(parserOf({ fileName: 'a.tar' as Octets }, text.subarray(0, 4095), 2048), undefined);
    assert.throws(() => parserOf({ parser: 'odt' }, text, 2048), /expected one of .*text, none/);
  });

  it('names, extensions and types in the table are clear', () => {
    assert.equal(new Set(parserNames()).size, PARSERS.length + 1);
    const extensions = PARSERS.flatMap((parser) => parser.extensions);
    assert.equal(new Set(extensions).size, extensions.length);
    for (const extension of extensions) assert.match(extension, /^\.[a-z0-9]+$/);
    for (const type of PARSERS.flatMap((parser) => parser.mimeTypes)) assert.match(type, /^[a-z]+\/[a-z0-9.+-]+$/);
    for (const { delay } of PARSERS) assert.ok(delay >= 0 && delay <= 4096);
  });
});

describe('a content with a parser has the same Blocks on every way in', () => {
  const random = makeRandom(31);
  const mails = (count: number) =>
    mboxOf(
      Array.from({ length: count }, (_, i) => mailOf(random, 300 + random.below(12_000), i % 9 === 0 ? random.bytes(30_000) : undefined)),
    );
  const contents = [mails(3), mails(30), mails(160), mails(900)];
  for (const workers of [0, 1, 2]) {
    it(`files small and large, streams in any portions, and one thread, with ${workers} workers`, async (t) => {
      const scratch = makeScratch(t);
      await using store = new MemoryStore();
      await using ingest = new Ingest(store, { workers });
      const hint = { fileName: 'all.mbox' as Octets };
      for (const [i, content] of contents.entries()) {
        const expected = formatBlock(await storeContent(new MemoryStore(), content, { hint }));
        assert.notEqual(expected, formatBlock(await storeContent(new MemoryStore(), content)), 'without a parser');
        const path = scratch.path('all.mbox');
        writeFileSync(path, content);
        const file = await ingestFile(ingest, path);
        assert.equal(formatBlock(file.block), expected, `file ${i}`);
        // Known by its octets.
        const other = scratch.path('Inbox');
        writeFileSync(other, content);
        assert.equal(formatBlock((await ingestFile(ingest, other)).block), expected, `other name ${i}`);
        for (const sizes of [[content.length], [1_000_000, 17], [70_001]]) {
          assert.equal(formatBlock(await ingest.stream(portionsOf(content, sizes), hint)), expected, `stream ${i}`);
          assert.equal(
            formatBlock(await storeContent(new MemoryStore(), portionsOf(content, sizes), { hint })),
            expected,
            `one thread ${i}`,
          );
        }
        await ingest.flushPending();
        assert.ok(content.equals(await readBlockBytes(store, file.block, { maxSize: content.length })));
      }
    });
  }

  it('holes are to a parser the NULs that they stand for', async (t) => {
    const scratch = makeScratch(t);
    await using store = new MemoryStore();
    await using ingest = new Ingest(store, { workers: 2 });
    const path = scratch.path('sparse.mbox');
    const fd = openSync(path, 'w');
    const parts = [mails(40), mails(200), mails(2)];
    const content = Buffer.alloc(24_000_000);
    [0, 5_000_000, 20_000_001].forEach((at, i) => {
      const part = parts[i] as Buffer;
      part.copy(content, at);
      writeSync(fd, part, 0, part.length, at);
    });
    ftruncateSync(fd, content.length);
    closeSync(fd);
    const { block } = await ingestFile(ingest, path);
    assert.equal(
      formatBlock(block),
      formatBlock(await storeContent(new MemoryStore(), content, { hint: { fileName: 'sparse.mbox' as Octets } })),
    );
  });

  it('a hole of 1 TiB stops a parser, at once', async (t) => {
    const path = makeScratch(t).path('sparse.log');
    const fd = openSync(path, 'w');
    ftruncateSync(fd, 2 ** 40);
    closeSync(fd);
    await using ingest = new Ingest(new MemoryStore());
    const { block } = await ingestFile(ingest, path);
    assert.equal(formatBlock(block), 'RLE{span:1099511627776,octet:00}');
  });

  it('a MIME type in the extended attribute user.mime_type chooses the parser, of small files and of large ones', async (t) => {
    const scratch = makeScratch(t);
    await using ingest = new Ingest(new MemoryStore(), { workers: 1 });
    for (const size of [40_000, 2_000_000]) {
      const documents = Array.from({ length: Math.ceil(size / 5000) }, () => `"${random.bytes(2500).toString('hex')}"\n`);
      const content = Buffer.from(documents.join(''));
      const path = scratch.path('unnamed');
      writeFileSync(path, content);
      try {
        setXattr(Buffer.from(path), 'user.mime_type' as Octets, Buffer.from('application/x-ndjson'));
      } catch {
        t.skip('the filesystem of temporary files has no extended attributes of users');
        return;
      }
      const { block } = await ingestFile(ingest, path);
      const told = await storeContent(new MemoryStore(), content, { hint: { mimeType: 'application/x-ndjson' } });
      assert.equal(formatBlock(block), formatBlock(told));
      assert.notEqual(formatBlock(block), formatBlock(await storeContent(new MemoryStore(), content, { hint: {} })));
    }
  });

  it('an ingest may be told which parser to use, or none', async () => {
    const content = contents[2] as Buffer;
    for (const parser of ['none', 'lines']) {
      await using ingest = new Ingest(new MemoryStore(), { workers: 0, parser });
      const block = await ingest.bytes(content, { fileName: 'a.mbox' as Octets });
      assert.equal(formatBlock(block), formatBlock(await storeContent(new MemoryStore(), content, { hint: { parser } })));
    }
  });
});
