import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parsePropfind } from '../../../../core/http/dav/propfind-body.ts';

const HEAD = '<?xml version="1.0" encoding="utf-8"?>\n';

/** RFC 4918, 9.1, with its examples; what must be refused by 8.2. */
const CASES: readonly (readonly [body: string, expected: string | undefined])[] = [
  ['', 'all'],
  [`${HEAD}<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>`, 'all'],
  [`<propfind xmlns="DAV:"><propname/></propfind>\n`, 'names'],
  [
    `${HEAD}<D:propfind xmlns:D="DAV:">\n<D:prop xmlns:R="http://ns.example.com/boxschema/">\n<R:bigbox/><R:author/><D:getetag/></D:prop></D:propfind>`,
    '{http://ns.example.com/boxschema/}bigbox {http://ns.example.com/boxschema/}author {DAV:}getetag',
  ],
  [`<a:propfind xmlns:a='DAV:'><!-- one --><a:prop><b xmlns="x"><c/></b></a:prop></a:propfind>`, '{x}b'],
  ['<D:propfind xmlns:D="DAV:"><D:prop/></D:propfind>', ''],
  ['<D:propfind xmlns:D="DAV:"><D:allprop/><D:include><D:x/></D:include></D:propfind>', 'all'],
  ['<D:propfind xmlns:D="DAV:"><D:prop><bar:foo xmlns:bar=""/></D:prop></D:propfind>', undefined],
  ['<D:propfind xmlns:D="DAV:"><D:prop><bar:foo/></D:prop></D:propfind>', undefined],
  ['<D:propfind xmlns:D="DAV:"><D:allprop></D:propfind>', undefined],
  ['<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind><x/>', undefined],
  ['<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>tail', undefined],
  ['<D:propfind xmlns:D="DAV:"/>', undefined],
  ['<propfind><allprop/></propfind>', undefined],
  ['<D:foo', undefined],
  ['hello', undefined],
  ['<!DOCTYPE x [<!ENTITY a "b">]><D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>', undefined],
  ['<D:propfind xmlns:D="DAV:"><D:prop>&a;</D:prop></D:propfind>', undefined],
  [`<D:propfind xmlns:D="DAV:">${'<D:prop>'.repeat(40)}${'</D:prop>'.repeat(40)}</D:propfind>`, undefined],
  [`<D:propfind xmlns:D="DAV:"><D:prop>${'<D:x/>'.repeat(65)}</D:prop></D:propfind>`, undefined],
];

for (const [body, expected] of CASES) {
  test(`a PROPFIND with ${JSON.stringify(body.slice(0, 100))} asks for ${expected ?? 'nothing'}`, () => {
    const found = parsePropfind(Buffer.from(body));
    assert.equal(typeof found === 'object' ? found.map(({ namespace, local }) => `{${namespace}}${local}`).join(' ') : found, expected);
  });
}

test('a body that is cut off, or is no UTF-8, is refused', () => {
  const whole = Buffer.from('<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>');
  for (let size = 1; size < whole.length; size++) assert.equal(parsePropfind(whole.subarray(0, size)), undefined, String(size));
  assert.equal(parsePropfind(Buffer.from('<D:propfind xmlns:D="DAV:\xff"/>', 'latin1')), undefined);
});

test('whatever comes is read in no time, and throws nothing', () => {
  const piece = fc.constantFrom(
    '<',
    '>',
    '/',
    '"',
    "'",
    '<?',
    '?>',
    '<!--',
    '-->',
    '&amp;',
    ' ',
    'a',
    'xmlns:',
    'D:',
    '=',
    '<D:prop>',
    '</D:prop>',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 400 }), (pieces) => {
      parsePropfind(Buffer.from(`<D:propfind xmlns:D="DAV:">${pieces.join('')}`));
    }),
    { numRuns: 500 },
  );
  for (const text of ['<?', '<!--', ' a="', '<a ', '&', 'x'])
    assert.equal(parsePropfind(Buffer.from(text.repeat(60_000 / text.length))), undefined);
});
