import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ArchiveEntry } from '../../../core/archive/archive.ts';
import { marksOf, withMarks } from '../../../core/archive/mark-notes.ts';
import type { CalendarAge, Period, RetentionPolicy } from '../../../core/archive/retention.ts';
import { applyRetention, PERIODS } from '../../../core/archive/retention.ts';
import { EMPTY_ROOT } from '../../../core/dirent/empty-root.ts';
import type { Random } from '../../support/random.ts';
import { makeRandom } from '../../support/random.ts';

const ZONE = 'Europe/Berlin';
const NS = 1_000_000_000n;

/** What clocks in the zone show, by the calendar of Intl, which the program does not use. */
interface Wall {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** As `GMT+02:00`. */
  readonly zone: string;
}

const FORMAT = new Intl.DateTimeFormat('en-US', {
  timeZone: ZONE,
  hourCycle: 'h23',
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
  timeZoneName: 'longOffset',
});

function wallOf(seconds: number): Wall {
  const parts = new Map(FORMAT.formatToParts(new Date(seconds * 1000)).map(({ type, value }) => [type, value]));
  const number = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type));
  return {
    year: number('year'),
    month: number('month'),
    day: number('day'),
    hour: number('hour'),
    minute: number('minute'),
    second: number('second'),
    zone: parts.get('timeZoneName') ?? '',
  };
}

/** The Monday of a day's week, by going back day after day. */
function mondayOf({ year, month, day }: Wall): string {
  const date = new Date(Date.UTC(year, month - 1, day));
  while (date.getUTCDay() !== 1) date.setUTCDate(date.getUTCDate() - 1);
  return date.toISOString().slice(0, 10);
}

const KEYS: Readonly<Record<Period, (wall: Wall) => string>> = {
  hourly: ({ year, month, day, hour, zone }) => `${year}-${month}-${day} ${hour} ${zone}`,
  daily: ({ year, month, day }) => `${year}-${month}-${day}`,
  weekly: mondayOf,
  monthly: ({ year, month }) => `${year}-${month}`,
  yearly: ({ year }) => String(year),
};

/** The rules as they are written down, one after the other, without regard to speed: the numbers of the states that stay. */
function kept(entries: readonly ArchiveEntry[], policy: RetentionPolicy): Set<number> {
  const stays = new Set<number>();
  const seconds = (entry: ArchiveEntry): number => Number(entry.whenNs / NS);
  const newer = (a: ArchiveEntry, b: ArchiveEntry): boolean => a.whenNs > b.whenNs || (a.whenNs === b.whenNs && a.number > b.number);
  // "the newest": the last line.
  const last = entries.at(-1);
  if (last !== undefined) stays.add(last.number);
  // "the N newest states"
  for (const entry of entries) if (entries.filter((other) => newer(other, entry)).length < (policy.last ?? 0)) stays.add(entry.number);
  const latest = entries.find((entry) => !entries.some((other) => newer(other, entry)));
  const oldest = entries.find((entry) => !entries.some((other) => newer(entry, other)));
  for (const period of PERIODS) {
    const count = policy.periods?.[period];
    if (count === undefined) continue;
    // "the newest state of each period"
    const newest = new Map<string, ArchiveEntry>();
    for (const entry of entries) {
      const key = KEYS[period](wallOf(seconds(entry)));
      const found = newest.get(key);
      if (found === undefined || newer(entry, found)) newest.set(key, entry);
    }
    // "of the last N that have one"
    const chosen = [...newest.values()].sort((a, b) => (newer(a, b) ? -1 : 1)).slice(0, count);
    for (const { number } of chosen) stays.add(number);
    // "a rule that finds fewer periods than N also keeps the oldest state"
    if (newest.size < count && oldest !== undefined) stays.add(oldest.number);
  }
  if (policy.within !== undefined && latest !== undefined) {
    const limit = limitOf(seconds(latest), policy.within);
    for (const entry of entries) if (Number(entry.whenNs / NS) >= limit) stays.add(entry.number);
  }
  for (const entry of entries) {
    const { tags, isProtected } = marksOf(entry);
    if (isProtected || tags.some((tag) => policy.tags?.includes(tag) === true)) stays.add(entry.number);
  }
  return stays;
}

/** The second at which clocks showed the same time so long before, found by trying. Hours are those that pass. */
function limitOf(seconds: number, { years, months, days, hours }: CalendarAge): number {
  const wall = wallOf(seconds);
  let [year, month] = [wall.year - years, wall.month - months];
  for (; month < 1; month += 12) year--;
  const lengths = [31, (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  const date = new Date(Date.UTC(year, month - 1, Math.min(wall.day, lengths[month - 1] ?? 0), wall.hour, wall.minute, wall.second));
  for (let day = 0; day < days; day++) date.setUTCDate(date.getUTCDate() - 1);
  const asUtc = date.getTime() / 1000;
  const wanted = date.toISOString().slice(0, 19);
  const shown = (at: number): string => {
    const { year: y, month: mo, day: d, hour: h, minute: mi, second: s } = wallOf(at);
    return new Date(Date.UTC(y, mo - 1, d, h, mi, s)).toISOString().slice(0, 19);
  };
  const found = [asUtc - 7200, asUtc - 3600].filter((at) => shown(at) === wanted);
  assert.ok(found.length > 0, `clocks passed over ${wanted}: choose other states`);
  // Of an hour that comes twice either will do, as long as no state lies between.
  return (found.length === 2 && wall.zone === 'GMT+01:00' ? (found[1] as number) : (found[0] as number)) - hours * 3600;
}

function statesOf(random: Random, count: number): ArchiveEntry[] {
  // From 2019 on: leap days of 2020 and 2024, and changes of clocks each year. Gaps of minutes, hours and weeks; some states are dated back.
  let seconds = 1_546_300_800 + random.below(86_400);
  const entries: ArchiveEntry[] = [];
  for (let number = 1; number <= count; number++) {
    seconds += random.pick([60, 1200, 1800, 3600, 7200, 86_400, 86_400 * 3]) + random.below(600);
    const back = random.chance(2) ? random.below(86_400 * 20) : 0;
    const tags = random.chance(3) ? [random.pick(['a', 'b'])] : [];
    const notes = withMarks(undefined, { tags, isProtected: random.chance(1) });
    entries.push({ number, whenNs: BigInt(seconds - back) * NS + BigInt(random.below(1e9)), dirent: EMPTY_ROOT, notes });
  }
  return entries;
}

describe('retention', () => {
  const zone = process.env['TZ'];
  before(() => {
    process.env['TZ'] = ZONE;
  });
  after(() => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  });

  it('of 3,000 states keeps what the rules say, each clause alone and all together', () => {
    const policies: readonly RetentionPolicy[] = [
      { last: 7 },
      ...PERIODS.flatMap((period) => [{ periods: { [period]: 5 } }, { periods: { [period]: 4000 } }]),
      { within: { years: 1, months: 2, days: 3, hours: 4 } },
      { within: { years: 0, months: 1, days: 0, hours: 0 } },
      { tags: ['a'] },
      { tags: ['b', 'a'] },
      {
        last: 3,
        periods: { hourly: 24, daily: 14, weekly: 8, monthly: 12, yearly: 10 },
        within: { years: 0, months: 0, days: 30, hours: 0 },
        tags: ['b'],
      },
    ];
    const all = statesOf(makeRandom(1), 3000);
    for (const policy of policies) {
      const entries = 'last' in policy || 'within' in policy ? all.slice(-600) : all;
      const stays = applyRetention(entries, policy).filter(({ reasons }) => reasons.length > 0);
      assert.deepEqual(
        stays.map(({ entry }) => entry.number),
        [...kept(entries, policy)].sort((a, b) => a - b),
        JSON.stringify(policy),
      );
    }
  });

  it('counts an hour that a change of clocks repeats as two, a day of 23 or 25 hours as one, and knows leap days', () => {
    const at = (text: string, number: number): ArchiveEntry => ({
      number,
      whenNs: BigInt(Date.parse(text) / 1000) * NS,
      dirent: EMPTY_ROOT,
    });
    const numbers = (entries: readonly ArchiveEntry[], policy: RetentionPolicy): number[] =>
      applyRetention(entries, policy)
        .filter(({ reasons }) => reasons.length > 0)
        .map(({ entry }) => entry.number);
    // 02:30 of 2026-10-25 came twice: at 00:30 and 01:30 UTC.
    const autumn = ['2026-10-25T00:20Z', '2026-10-25T00:30Z', '2026-10-25T01:30Z', '2026-10-25T22:59Z', '2026-10-25T23:01Z'].map(
      (text, i) => at(text, i + 1),
    );
    assert.deepEqual(numbers(autumn, { periods: { hourly: 4 } }), [2, 3, 4, 5]);
    assert.deepEqual(numbers(autumn, { periods: { daily: 1 } }), [5]);
    assert.deepEqual(numbers(autumn, { periods: { daily: 2 } }), [4, 5]);
    // A month before 31 March is the last of February; a year before 29 February the 28th.
    const leap = ['2024-02-28T11:00Z', '2024-02-29T12:30Z', '2024-03-31T11:00Z'].map((text, i) => at(text, i + 1));
    assert.deepEqual(numbers(leap, { within: { years: 0, months: 1, days: 0, hours: 0 } }), [2, 3]);
    const years = ['2027-02-28T11:00Z', '2028-02-29T11:00Z'].map((text, i) => at(text, i + 1));
    assert.deepEqual(numbers(years, { within: { years: 1, months: 0, days: 0, hours: 0 } }), [1, 2]);
    // 53 weeks of 2026: the week of 31 December is that of 1 January.
    const weeks = ['2026-12-27T11:00Z', '2026-12-31T11:00Z', '2027-01-01T11:00Z', '2027-01-04T11:00Z'].map((text, i) => at(text, i + 1));
    assert.deepEqual(numbers(weeks, { periods: { weekly: 3 } }), [1, 3, 4]);
    assert.deepEqual(numbers([], { last: 1 }), []);
  });
});
