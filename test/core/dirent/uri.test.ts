import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ParseError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { formatBlock } from '../../../core/block/block-text.ts';
import { formatDirent, parseDirent } from '../../../core/dirent/dirent-text.ts';
import { parseReference, skipReference } from '../../../core/dirent/reference.ts';
import type { VtUri } from '../../../core/dirent/uri.ts';
import { formatUri, parseUri } from '../../../core/dirent/uri.ts';
import { blocks, dirents, names } from '../../support/arbitraries.ts';
import { decodesOrRefuses, refusesAt } from '../../support/fuzz/decoding.ts';
import { PROJECT_ROOT } from '../../support/project.ts';

const HASH = 'ab'.repeat(20);
const DIRREF = `D{name:"my tree",block:B{hash:H{sha1:${HASH}},span:9}}`;

const uris: fc.Arbitrary<VtUri> = fc
  .record(
    {
      host: fc.constantFrom('example.org', '127.0.0.1', '::1', 'host_1'),
      port: fc.integer({ min: 1, max: 65535 }),
      target: fc.oneof(
        dirents.map((dirent) => ({ kind: 'dirent' as const, dirent })),
        blocks.map((block) => ({ kind: 'block' as const, block })),
      ),
      path: fc.array(names, { maxLength: 3 }).map((elements) => elements.map((element) => `/${element}`).join('') as Octets),
      isDir: fc.boolean(),
    },
    { requiredKeys: ['target', 'path', 'isDir'], noNullPrototype: true },
  )
  .filter(({ host, port }) => port === undefined || host !== undefined);

describe('URIs', () => {
  it('parse(print(x)) is x, in the characters that RFC 3986 allows in a path', () => {
    fc.assert(
      fc.property(uris, (uri) => {
        const text = formatUri(uri);
        assert.match(text, /^x-vt:(\/\/(\[[\da-f:]+\]|[\w.-]+)(:\d+)?)?(\/[\w.~,:=@+%-]*)+$/);
        assert.deepEqual(parseUri(text), uri);
        assert.equal(skipReference(`cd ${text}; ls`, 3), 3 + text.length);
      }),
    );
  });

  it('a reference may stand in it without percent signs, as a person types it', () => {
    const text = `x-vt://example.org:8080/${DIRREF}/sub%20dir/file.txt`;
    const uri = parseUri(text);
    assert.deepEqual(uri, {
      host: 'example.org',
      port: 8080,
      target: { kind: 'dirent', dirent: parseDirent(DIRREF) },
      path: '/sub dir/file.txt',
      isDir: false,
    });
    assert.equal(skipReference(`${text} next`, 0), text.length);
    assert.deepEqual(parseUri(formatUri(uri)), uri);
  });

  it('any text gives a URI or a ParseError', () => {
    fc.assert(
      fc.property(uris, fc.nat(), fc.string({ maxLength: 2, unit: 'binary' }), (uri, at, inserted) => {
        const text = formatUri(uri);
        const place = at % text.length;
        decodesOrRefuses(() => parseUri(text.slice(0, place) + inserted + text.slice(place + 1)), text);
        for (let length = 0; length < text.length; length += 5) decodesOrRefuses(() => parseUri(text.slice(0, length)), text);
      }),
      { numRuns: 50 },
    );
  });

  const REFUSED = [
    { text: 'x-vt:', offset: 5 },
    { text: 'http://example.org/', offset: 0 },
    { text: 'x-vt://h:0/LB{}', offset: 9 },
    { text: 'x-vt://h:65536/LB{}', offset: 9 },
    { text: 'x-vt:/LB{}/..', offset: 11 },
    { text: 'x-vt:/LB{}/a//b', offset: 13 },
    { text: 'x-vt:/LB{}/a%2Fb', offset: 11 },
    { text: 'x-vt:/LB{}/a%00b', offset: 11 },
    { text: 'x-vt:/LB{}/a%zz', offset: 12 },
    { text: 'x-vt:/LB{}/a?b', offset: 12 },
    { text: 'x-vt:/LB{}x', offset: 10 },
    { text: 'x-vt:/nothing', offset: 6 },
  ];
  for (const { text, offset } of REFUSED) {
    it(`${text} is refused at offset ${offset}`, () => {
      refusesAt(offset, () => parseUri(text));
    });
  }

  const PYTHON = [
    { text: `x-vt:///i/sha1:${HASH}/text.txt`, target: `F{name:"text.txt",block:I{B{hash:H{sha1:${HASH}}}}}` },
    { text: `x-vt:///h/sha1:${HASH}/a%20b.txt`, target: `F{name:"a b.txt",block:B{hash:H{sha1:${HASH}}}}` },
    { text: `x-vt:///h/sha1:${HASH}/dir/`, target: `D{name:"dir",block:B{hash:H{sha1:${HASH}}}}` },
  ];
  for (const { text, target } of PYTHON) {
    it(`the Python vt's ${text.slice(0, 16)}… is read`, () => {
      const uri = parseUri(text);
      assert.equal(uri.target.kind === 'dirent' && formatDirent(uri.target.dirent), target);
    });
  }

  it("the Python vt's URI of a stored Dirent is read, and printed as it came", () => {
    for (const text of [`x-vt://h/d/h/sha1:${HASH}/`, `x-vt://h/f/i/sha1:${HASH}`]) {
      const uri = parseUri(text);
      assert.equal(uri.host, 'h');
      assert.equal(uri.target.kind === 'stored-dirent' && formatBlock(uri.target.block).includes(HASH), true);
    }
    assert.equal(formatUri(parseUri(`x-vt://h/d/h/sha1:${HASH}/`)), `x-vt://h/d/h/sha1:${HASH}/`);
  });

  it("the Python vt's uri.txt names the same Block as its dirent.txt", () => {
    const folder = join(PROJECT_ROOT, 'test/golden/python-vt/sha1');
    const [uriText = ''] = readFileSync(join(folder, 'uri.txt'), 'utf8').split(' ');
    const direntText = readFileSync(join(folder, 'dirent.txt'), 'utf8');
    const dirent = parseDirent(direntText.slice(0, skipReference(direntText, 0)));
    const { target } = parseUri(uriText);
    assert.ok(target.kind === 'dirent' && target.dirent.kind === 'file' && dirent.kind === 'file');
    assert.deepEqual(target.dirent.name, dirent.name);
    assert.deepEqual({ ...target.dirent.block, span: 200_000 }, dirent.block);
  });
});

describe('references of any sort', () => {
  it('a Dirent, a Block, a hashcode and a URI are told apart', () => {
    assert.equal(parseReference(DIRREF).kind, 'dirent');
    assert.equal(parseReference('LB{}').kind, 'block');
    assert.deepEqual(parseReference(`H{sha1:${HASH}}`), parseReference(`B{hash:H{sha1:${HASH}}}`));
    assert.equal(parseReference(`x-vt:/${DIRREF}/a`).kind, 'uri');
    assert.equal(parseReference('Block{name:"sda"}').kind, 'dirent');
    for (const text of ['', 'name', 'D', `${DIRREF} `, `U{01234567-89ab-cdef-0123-456789abcdef}`])
      assert.throws(() => parseReference(text), ParseError, text);
  });

  it('the end of a hostile word is found in time that grows with its length', () => {
    for (const word of [
      `LB{${'a'.repeat(100_000)}`,
      `D{name:"${'\\'.repeat(100_001)}`,
      `D${'{'.repeat(100_000)}`,
      `LB{${'['.repeat(100_000)}`,
    ]) {
      assert.equal(skipReference(word, 0), undefined);
    }
  });
});
