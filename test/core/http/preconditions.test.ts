import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { test } from 'node:test';
import { conditionStatus, rangeApplies } from '../../../core/http/preconditions.ts';

const NOW = { etag: '"now"', lastModified: new Date('2026-11-22T16:17:01.500Z') };
const SAME = 'Sun, 22 Nov 2026 16:17:01 GMT';
const BEFORE = 'Sun, 22 Nov 2026 16:17:00 GMT';

/** RFC 9110, 13.1 and 13.2.2. */
const CONDITIONS: readonly (readonly [what: string, headers: IncomingHttpHeaders, status: 304 | 412 | undefined])[] = [
  ['no condition', {}, undefined],
  ['If-Match of it', { 'if-match': '"old", "now"' }, undefined],
  ['If-Match of anything', { 'if-match': '*' }, undefined],
  ['If-Match of another', { 'if-match': '"old"' }, 412],
  ['If-Match of it as weak', { 'if-match': 'W/"now"' }, 412],
  ['If-Match before If-Unmodified-Since', { 'if-match': '"now"', 'if-unmodified-since': BEFORE }, undefined],
  ['If-Unmodified-Since its time', { 'if-unmodified-since': SAME }, undefined],
  ['If-Unmodified-Since before', { 'if-unmodified-since': BEFORE }, 412],
  ['If-None-Match of it', { 'if-none-match': '"now"' }, 304],
  ['If-None-Match of it as weak', { 'if-none-match': 'W/"now"' }, 304],
  ['If-None-Match of anything', { 'if-none-match': '*' }, 304],
  ['If-None-Match of another', { 'if-none-match': '"old"' }, undefined],
  ['If-None-Match before If-Modified-Since', { 'if-none-match': '"old"', 'if-modified-since': SAME }, undefined],
  ['If-Modified-Since its time', { 'if-modified-since': SAME }, 304],
  ['If-Modified-Since before', { 'if-modified-since': BEFORE }, undefined],
  ['If-Modified-Since no date', { 'if-modified-since': 'soon' }, undefined],
];

for (const [what, headers, status] of CONDITIONS) {
  test(`${what}: ${status ?? 'goes on'}`, () => assert.equal(conditionStatus(headers, NOW), status));
}

const IF_RANGE: readonly (readonly [what: string, value: string | undefined, applies: boolean])[] = [
  ['absent', undefined, true],
  ['its entity tag', '"now"', true],
  ['another', '"old"', false],
  ['its entity tag as weak', 'W/"now"', false],
  ['its date', SAME, true],
  ['another date', BEFORE, false],
];

for (const [what, value, applies] of IF_RANGE) {
  test(`If-Range ${what}: the range ${applies ? 'counts' : 'does not count'}`, () =>
    assert.equal(rangeApplies(value === undefined ? {} : { 'if-range': value }, NOW), applies));
}
