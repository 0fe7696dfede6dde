import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import { contentTypeOf } from '../../../core/http/content-type.ts';
import { contentHeaders } from '../../../core/http/headers.ts';

const TEXT = Buffer.from('plain\n');

function typeOf(stored: string): string {
  return contentTypeOf('f.txt' as Octets, { xattrs: new Map([['user.mime_type' as Octets, Buffer.from(stored)]]) }, TEXT);
}

for (const [stored, type] of [
  ['text/html', 'text/html; charset=utf-8'],
  ['text/html; charset=utf-7', 'text/html; charset=utf-7'],
  ['text/html\r\nset-cookie: a=b', 'text/plain; charset=utf-8'],
  ['text/html;\r\n a=b', 'text/plain; charset=utf-8'],
  ['text/html;\u2028a=b', 'text/plain; charset=utf-8'],
  ['multipart/x-mixed-replace; boundary=b', 'text/plain; charset=utf-8'],
  ['Multipart/Related', 'text/plain; charset=utf-8'],
  ['message/rfc822', 'text/plain; charset=utf-8'],
] as const) {
  test(`the stored type ${JSON.stringify(stored)} is served as ${type}`, () => assert.equal(typeOf(stored), type));
}

for (const [name, start, type] of [
  ['code.ts', 'const a = 1;\n', 'text/plain; charset=utf-8'],
  ['video.ts', 'G@\0\x11\0\xff\xff', 'video/mp2t'],
  ['lib.rs', 'fn main() {}\n', 'text/plain; charset=utf-8'],
  ['run.sh', '#!/bin/sh\n', 'text/plain; charset=utf-8'],
  ['page.html', '<p>\n', 'text/html; charset=utf-8'],
  ['page.xhtml', '<p/>\n', 'application/xhtml+xml'],
  ['picture.svg', '<svg/>\n', 'image/svg+xml; charset=utf-8'],
  ['data.json', '{}\n', 'application/json; charset=utf-8'],
] as const) {
  test(`${name} with ${JSON.stringify(start)} is served as ${type}`, () =>
    assert.equal(contentTypeOf(name as Octets, {}, Buffer.from(start, 'latin1')), type));
}

for (const [type, isSandboxed] of [
  ['application/pdf', false],
  ['application/pdf; version=2', false],
  ['application/pdf+xml', true],
  ['text/html', true],
] as const) {
  test(`${type} is ${isSandboxed ? '' : 'not '}in a sandbox`, () => {
    const policy = contentHeaders(type)['content-security-policy'] ?? '';
    assert.equal(policy.startsWith('sandbox;'), isSandboxed);
    assert.match(policy, /default-src 'none'/);
  });
}
