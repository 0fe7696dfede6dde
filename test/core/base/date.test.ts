import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatLocalTime, formatStateTime, parseDate, parseDateSpan } from '../../../core/base/date.ts';
import { VtError } from '../../../core/base/errors.ts';
import { PROJECT_ROOT } from '../../support/project.ts';
import { makeRandom } from '../../support/random.ts';

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
  ['2024-02-29T00:00Z', 1_709_164_800n * second],
  ['0099-01-01T00:00Z', -59_042_995_200n * second],
  ['1890-01-01T00:00:00.5-04:56:02', -2_524_503_838n * second + second / 2n],
];

for (const [text, ns] of good) {
  test(`date "${text}" is read`, () => assert.equal(parseDate(text, now), ns));
}

test('a day without a time is the local midnight', () => {
  assert.equal(parseDate('2026-01-02', now), BigInt(new Date(2026, 0, 2).getTime()) * 1_000_000n);
});

for (const text of [
  '',
  'soon',
  '2026-13-01',
  '2026-11-22T25:00Z',
  '7',
  '-3d',
  '@',
  '@1.0123456789',
  '2026-02-29',
  '2026-02-30',
  '2026-04-31',
  '2026-00-10',
  '2026-01-00',
  '2026-01-01T24:00',
  '2026-01-01T10:60',
  '2026-01-01T10:00:60',
  '2026-01-01T10:00+01:60',
]) {
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

const SPANS: readonly (readonly [text: string, seconds: number, ns?: number])[] = [
  ['2026-11-22T12:00Z', 60],
  ['2026-11-22T12:00:07Z', 1],
  ['2026-11-22T12:00:07.12Z', 0, 10_000_000],
  ['2026-11-22T12:00:07.123456789Z', 0, 1],
  ['@5', 0, 1],
  ['7d', 0, 1],
];

for (const [text, seconds, ns = 0] of SPANS) {
  test(`the date "${text}" reaches as far as it says`, () => {
    const { startNs, endNs } = parseDateSpan(text, now);
    assert.equal(endNs - startNs + 1n, BigInt(seconds) * second + BigInt(ns));
  });
}

test('a time is shown as it is read, out to where no calendar is', () => {
  const seed = randomInt(2 ** 32 - 1);
  const random = makeRandom(seed);
  for (let i = 0; i < 2000; i++) {
    const ns = BigInt(random.below(2 ** 52) - 2 ** 51) * second + BigInt(random.below(1e9));
    assert.equal(parseDate(formatLocalTime(ns), now), ns, `${ns}, seed ${seed}`);
  }
});

test('the time of a state names nothing that comes later, also where it is a whole second', () => {
  for (const part of [0n, 1n, 999n, 1_000n, 120_000_000n, 123_456_000n, 123_456_789n]) {
    const ns = nowNs + part;
    const { startNs, endNs } = parseDateSpan(formatStateTime(ns), now);
    assert.equal(startNs, ns);
    assert.ok(endNs - startNs < 1_000_000n, formatStateTime(ns));
  }
});

/** Zones as `TZ` names them: by name, by rules, by path, in other letters, and none. */
const ZONES = [
  'America/New_York',
  'EST5EDT4,M3.2.0,M11.1.0',
  'CET-1CEST,M3.5.0,M10.5.0/3',
  '<+1030>-10:30<+11>-11,M10.1.0,M4.1.0',
  'IST-2IDT,J100/26,J300',
  'EST5EDT',
  ':Europe/Berlin',
  '/usr/share/zoneinfo/Australia/Lord_Howe',
  ':Africa/Casablanca',
  'Pacific/Apia',
  'europe/berlin',
  '',
  'Nowhere/None',
];

const CAN_ASK = process.platform === 'linux' && existsSync('/usr/share/zoneinfo/Europe/Berlin');

for (const zone of ZONES) {
  const skip = CAN_ASK ? false : 'it takes the zones of Linux, to compare with date(1)';
  test(`in the zone "${zone}" times are shown and read as date(1) has them, also where clocks change`, { skip }, () => {
    const seed = randomInt(2 ** 32 - 1);
    const random = makeRandom(seed);
    const date = (lines: readonly string[], format: string) => {
      const env = { TZ: zone, LC_ALL: 'C', PATH: process.env['PATH'] ?? '' };
      const { stdout, stderr } = spawnSync('date', ['-f', '-', format], { input: lines.join('\n'), encoding: 'utf8', env });
      return {
        lines: stdout.trimEnd().split('\n'),
        refused: new Set([...stderr.matchAll(/invalid date '([^']*)'/g)].map(([, text]) => text)),
      };
    };
    const instants = Array.from({ length: 200 }, () => random.below(2 ** 32) - 2 ** 31);
    const days = [1988, 2011, 2025, 2026].flatMap((year) => Array.from({ length: 366 }, (_, day) => Date.UTC(year, 0, 1 + day) / 1000));
    const offsets = date(
      days.map((day) => `@${day}`),
      '+%z',
    ).lines;
    for (const [i, day] of days.entries()) {
      // Each half hour from a day before a change of the clocks to half a day after it.
      if (i > 0 && offsets[i] !== offsets[i - 1]) for (let at = day - 172_800; at < day + 43_200; at += 1800) instants.push(at - 1, at);
    }
    const walls = [...new Set(instants.map((at) => new Date(at * 1000).toISOString().slice(0, 19)))];
    const told = execFileSync(process.execPath, [join(PROJECT_ROOT, 'dist/test/support/local-dates-child.js')], {
      input: [...instants, ...walls].join('\n'),
      encoding: 'utf8',
      env: { TZ: zone },
    })
      .trimEnd()
      .split('\n');
    const shown = date(
      instants.map((at) => `@${at}`),
      '+%Y-%m-%dT%H:%M:%S.120%::z',
    ).lines.map((line) => line.replace(/:00$/, ''));
    assert.deepEqual(told.slice(0, instants.length), shown, `seed ${seed}`);

    const read = walls.map((wall, i) => [wall, told[instants.length + i] ?? ''] as const);
    const passedOver = read.flatMap(([wall, text]) => (text.includes('clocks here pass over that time') ? [wall] : []));
    assert.deepEqual(passedOver, [...date(walls, '+%s').refused], `seed ${seed}`);
    // What a local time is read as shows that time, and is the first to do so.
    const found = read.filter(([, text]) => /^-?\d+$/.test(text));
    assert.equal(found.length + passedOver.length, walls.length);
    const around = date(
      found.flatMap(([, text]) => [0, 1800, 3600, 7200].map((before) => `@${Number(text) - before}`)),
      '+%Y-%m-%dT%H:%M:%S',
    ).lines;
    for (const [i, [wall]] of found.entries()) {
      assert.equal(around[i * 4], wall, `seed ${seed}`);
      assert.ok(!around.slice(i * 4 + 1, i * 4 + 4).includes(wall), `${wall} comes before; seed ${seed}`);
    }
  });
}
