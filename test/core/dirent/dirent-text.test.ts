import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ParseError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { formatDirent, parseDirent } from '../../../core/dirent/dirent-text.ts';
import { skipReference } from '../../../core/dirent/reference.ts';
import { dirents } from '../../support/arbitraries.ts';
import { decodesOrRefuses, refusesAt } from '../../support/fuzz/decoding.ts';

const HASH = `H{sha3-256:${'ab'.repeat(32)}}`;
const UUID = '01234567-89ab-cdef-0123-456789abcdef';

/** Each stands for what prints it: written by hand from vt(5). */
const TEXTS: readonly string[] = [
  'D{block:LB{}}',
  'F{name:"a",block:LB{}}',
  `F{name:"say \\"hi\\" \\\\ \\xff\\x0a\\x1b",meta:M{mode:0644,uid:0,gid:0,user:"root",group:"root",mtime:1577934245.678901000},block:B{hash:${HASH},span:9}}`,
  `F{name:"x",uuid:U{${UUID}},meta:M{mode:04755,mtime:-1.500000000,ctime:0.000000001,btime:0.000000000,xattrs:{"user.a":"\\x00..","user.b":""}},block:I{200000:B{hash:${HASH}}},nlink:2}`,
  `D{name:"d",meta:M{mode:01777},block:I{9:LB{[abc]00}},inodes:B{hash:${HASH},span:40},links:3,salt:"\\x00\\x01\\x02\\x03\\x04\\x05\\x06\\x07",prev:RLE{span:9,octet:2f}}`,
  'SymLink{name:"l",meta:M{mode:0777},target:"../\\xc3\\xa9"}',
  `Indirect{name:"h",uuid:U{${UUID}}}`,
  'Fifo{name:"p"}',
  'Socket{name:"s"}',
  'Char{name:"null",meta:M{mode:0666,rdev:1:3}}',
  'Block{name:"sda",meta:M{rdev:8:0},x74:"kept",x99:"\\xff"}',
];

describe('Dirents as text', () => {
  for (const text of TEXTS) {
    it(`${text.slice(0, 30)} is what its parse prints`, () => {
      assert.equal(formatDirent(parseDirent(text)), text);
    });
  }

  it('parse(print(x)) is x, for any Dirent, in one line of printable ASCII', () => {
    fc.assert(
      fc.property(dirents, (dirent) => {
        const text = formatDirent(dirent);
        assert.match(text, /^[ -~]+$/);
        assert.deepEqual(parseDirent(text), dirent);
      }),
    );
  });

  it('a text cut short is refused at whatever length, with an offset within it', () => {
    for (const text of TEXTS) {
      for (let length = 0; length < text.length; length++) {
        assert.throws(
          () => parseDirent(text.slice(0, length)),
          (error) => error instanceof ParseError && error.offset >= 0 && error.offset <= length,
          text.slice(0, length),
        );
      }
    }
  });

  it('a text with any character changed is parsed or refused with a VtError', () => {
    fc.assert(
      fc.property(dirents, fc.nat(), fc.string({ minLength: 0, maxLength: 2, unit: 'binary' }), (dirent, at, inserted) => {
        const text = formatDirent(dirent);
        const place = at % text.length;
        decodesOrRefuses(() => parseDirent(text.slice(0, place) + inserted + text.slice(place + 1)), text);
      }),
    );
  });

  const REFUSED: readonly { what: string; text: string; offset: number }[] = [
    { what: 'an item that is not known', text: 'F{name:"a",colour:"red"}', offset: 11 },
    { what: 'an item twice', text: 'F{name:"a",name:"b"}', offset: 11 },
    { what: 'what follows', text: 'F{name:"a"} ', offset: 11 },
    { what: 'an item of another kind', text: 'F{name:"a",links:1}', offset: 0 },
    { what: 'a name with a slash', text: 'F{name:"a/b"}', offset: 0 },
    { what: 'an octet that is no printable ASCII', text: 'F{name:"é"}', offset: 8 },
    { what: 'an escape that is not known', text: 'F{name:"\\z"}', offset: 8 },
    { what: 'an unfinished string', text: 'F{name:"abc', offset: 7 },
    { what: 'a mode without its leading 0', text: 'F{meta:M{mode:644}}', offset: 14 },
    { what: 'a mode too large', text: 'F{meta:M{mode:010000}}', offset: 14 },
    { what: 'a time of ten places', text: 'F{meta:M{mtime:1.0123456789}}', offset: 15 },
    { what: 'a uid too large', text: 'F{meta:M{uid:4294967296}}', offset: 13 },
    { what: 'a number with a leading zero', text: 'F{nlink:01}', offset: 8 },
    { what: 'a symlink without its target', text: 'SymLink{name:"a"}', offset: 0 },
    { what: 'an unknown field whose tag is known', text: 'F{x69:"a"}', offset: 2 },
    { what: 'a short digest', text: 'F{block:B{hash:H{sha1:00},span:1}}', offset: 22 },
    { what: 'a hash function that is not known', text: 'F{block:B{hash:H{md5:00},span:1}}', offset: 17 },
    { what: 'a lone surrogate', text: 'F{name:"\\ud800"}', offset: 8 },
  ];
  for (const { what, text, offset } of REFUSED) {
    it(`${what} is refused, and the offset named`, () => {
      refusesAt(offset, () => parseDirent(text));
    });
  }

  const OTHERS: readonly { what: string; text: string; same: string }[] = [
    { what: 'items in another order', text: 'F{block:LB{6869},name:"a"}', same: 'F{name:"a",block:LB{6869}}' },
    { what: 'a bare name', text: 'F{"a":block:LB{6869}}', same: 'F{name:"a",block:LB{6869}}' },
    { what: 'single quotes', text: "F{'a\"b':block:LB{6869}}", same: 'F{name:"a\\"b",block:LB{6869}}' },
    {
      what: 'the escapes of JSON, and a name with a slash as the Python vt writes paths',
      text: 'F{"\\u00e9\\u2603\\n\\/\\ud83d\\ude00\\udcff":block:LB{}}',
      same: 'F{name:"\\xf0\\x9f\\x98\\x80\\xff",block:LB{}}',
    },
    { what: 'upper-case hex', text: 'F{name:"\\xFF",block:LB{4A}}', same: 'F{name:"\\xff",block:LB{4a}}' },
  ];
  for (const { what, text, same } of OTHERS) {
    it(`${what} are read too`, () => {
      assert.equal(formatDirent(parseDirent(text)), same);
    });
  }

  it('the escapes of JSON stand for their UTF-8, and what Python could not decode for its octets', () => {
    const { name } = parseDirent('F{"\\u00e9\\u2603\\n\\ud83d\\ude00\\udcff":}');
    assert.equal(name, '\xc3\xa9\xe2\x98\x83\n\xf0\x9f\x98\x80\xff' as Octets);
  });
});

describe('the end of a pasted reference', () => {
  it('is found for any Dirent, whatever stands around it', () => {
    fc.assert(
      fc.property(dirents, fc.constantFrom(' next', '; ls', ' | cat', '', '/path', '\n'), (dirent, after) => {
        const text = formatDirent(dirent);
        assert.equal(skipReference(`open ${text}${after}`, 5), 5 + text.length);
      }),
    );
  });

  it('is not found where none starts or none ends', () => {
    for (const word of ['file', 'F', 'F{', 'D{name:"a"', 'D{name:"a}', '{}', 'Foo{}', 'LB{[abc}'])
      assert.equal(skipReference(word, 0), undefined, word);
  });
});
