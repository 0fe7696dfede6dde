import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { takesGzip } from '../../../core/http/compressed.ts';

/** @see RFC 9110, 12.5.3: `*` stands only for codings that the header does not name. */
const HEADERS: readonly (readonly [header: string | undefined, takes: boolean])[] = [
  [undefined, false],
  ['', false],
  ['gzip', true],
  ['br, GZIP;q=0.5', true],
  ['br', false],
  ['gzip;q=0', false],
  ['gzip; q=0.000', false],
  ['*', true],
  ['*;q=0', false],
  ['gzip;q=0, *', false],
  ['*, gzip;q=0', false],
  ['*;q=0, gzip', true],
];

describe('takesGzip', () => {
  for (const [header, takes] of HEADERS)
    it(`is ${takes} for ${header === undefined ? 'no header' : JSON.stringify(header)}`, () => assert.equal(takesGzip(header), takes));
});
