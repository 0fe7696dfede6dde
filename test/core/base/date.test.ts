import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDate } from '../../../core/base/date.ts';
import { VtError } from '../../../core/base/errors.ts';

const now = new Date('2026-11-22T12:00:00Z');
const second = 1_000_000_000n;
const nowNs = 1_795_348_800n * second;

const good: readonly (readonly [text: string, ns: bigint])[] = [
  ['now', nowNs],
  ['yesterday', nowNs - 86_400n * second],
  ['90s', nowNs - 90n * second],
  ['15m', nowNs - 900n * second],
  ['36h', nowNs - 129_600n * second],
  ['2w', nowNs - 1_209_600n * second],
  ['@0', 0n],
  ['@-1.5', -1_500_000_000n],
  ['@1577934245.678901', 1_577_934_245_678_901_000n],
  ['2026-11-22T12:00:00Z', nowNs],
  ['2026-11-22T12:00:00.000000001Z', nowNs + 1n],
  ['2026-11-22 13:00+01:00', nowNs],
  ['1969-12-31T23:59:59Z', -second],
];

for (const [text, ns] of good) {
  test(`date "${text}" is read`, () => assert.equal(parseDate(text, now), ns));
}

test('a day without a time is the local midnight', () => {
  assert.equal(parseDate('2026-01-02', now), BigInt(new Date(2026, 0, 2).getTime()) * 1_000_000n);
});

for (const text of ['', 'soon', '2026-13-01', '2026-11-22T25:00Z', '7', '-3d', '@', '@1.0123456789']) {
  test(`date "${text}" is refused with what to write`, () => {
    assert.throws(
      () => parseDate(text, now),
      (error) => error instanceof VtError && error.code === 'EUSAGE' && error.remedy !== undefined,
    );
  });
}

for (const text of ['@99999999999999999999', '@-2251799813685249', '99999999999999999999w', `@${'9'.repeat(100_000)}`]) {
  test(`"${text.slice(0, 24)}" is further off than any time that is kept`, () => {
    assert.throws(
      () => parseDate(text, now),
      (error: unknown) => error instanceof VtError && error.code === 'EUSAGE',
    );
  });
}
