import { VtError } from './errors.ts';
import { localOffset } from './system/local-offset.ts';

/** The time that a written date covers: a whole day for 2026-11-22, a minute for 16:17. */
export interface DateSpan {
  /** Its beginning, in nanoseconds since 1970. */
  readonly startNs: bigint;
  /** Its last nanosecond, since 1970. */
  readonly endNs: bigint;
}

/**
 * Nanoseconds since 1970 of a date as people write it: ISO-8601 (`2026-11-22`, `2026-11-22T16:17:01.123456789Z`),
 * `@SECONDS[.FRACTION]`, `now`, `today`, `yesterday`, or an age (`90s`, `15m`, `36h`, `7d`, `2w`). ISO-8601 without a zone
 * is local time. A local time that occurs twice, because clocks are set back, means the first.
 *
 * @param now - the time from which ages are counted
 * @throws {VtError} EUSAGE if it is none of these, not a day of the calendar, or a local time that clocks skip
 */
export function parseDate(text: string, now: Date): bigint {
  return parseDateSpan(text, now).startNs;
}

/** As {@link parseDate}, with the end of the day, minute or second that the date names. */
export function parseDateSpan(text: string, now: Date): DateSpan {
  const span = readDate(text, now);
  if (span.startNs >= LIMIT_NS || span.startNs < -LIMIT_NS) throw notADate(text, 'further from 1970 than any time is kept');
  return span;
}

function readDate(text: string, now: Date): DateSpan {
  const nowNs = BigInt(now.getTime()) * 1_000_000n;
  if (text === 'now') return instant(nowNs);
  if (text === 'today') return readDate(formatLocalMinute(nowNs).slice(0, 10), now);
  if (text === 'yesterday') return instant(nowNs - 86_400n * NS);
  const age = /^(\d{1,20})([smhdw])$/.exec(text);
  if (age !== null) return instant(nowNs - BigInt(age[1] ?? 0) * (UNIT_SECONDS[age[2] ?? 's'] ?? 1n) * NS);
  const stamp = /^@(-?\d{1,20})(?:\.(\d{1,9}))?$/.exec(text);
  if (stamp !== null) {
    const fraction = BigInt((stamp[2] ?? '').padEnd(9, '0'));
    return instant(BigInt(stamp[1] ?? 0) * NS + (text.startsWith('@-') ? -fraction : fraction));
  }
  const iso = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?[0-5]\d(?::[0-5]\d)?)?)?$/.exec(text);
  if (iso === null) throw notADate(text, 'not a date');
  return readIso(text, iso);
}

function readIso(text: string, [, year, month, day, hour, minute, second, fraction, zone]: readonly string[]): DateSpan {
  const wall = wallSeconds(Number(year), Number(month), Number(day), Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0));
  if (wall === undefined) throw notADate(text, 'no such day or time');
  const seconds = zone === undefined ? localSeconds(text, wall) : wall - zoneOffset(zone);
  const startNs = BigInt(seconds) * NS + BigInt((fraction ?? '').padEnd(9, '0'));
  if (hour === undefined) {
    const next = startOfLocalDay(wall + 86_400);
    return { startNs, endNs: BigInt(next) * NS - 1n };
  }
  if (second === undefined) return { startNs, endNs: startNs + 60n * NS - 1n };
  return { startNs, endNs: startNs + 10n ** BigInt(9 - (fraction?.length ?? 0)) - 1n };
}

function instant(ns: bigint): DateSpan {
  return { startNs: ns, endNs: ns };
}

/** Seconds since 1970, taken as UTC; undefined if there is no such day or time of day. */
function wallSeconds(year: number, month: number, day: number, hour: number, minute: number, second: number): number | undefined {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) return undefined;
  return date.getTime() / 1000 + hour * 3600 + minute * 60 + second;
}

/** The first instant at which clocks show a local time. */
function localSeconds(text: string, wall: number): number {
  const found = instantsOf(wall)[0];
  if (found !== undefined) return found;
  // If clocks skip midnight, the day begins later.
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return startOfLocalDay(wall);
  throw notADate(text, 'clocks here pass over that time');
}

/** Every instant at which clocks show a local time, earliest first. Assumes that clocks change at most once within a day. */
function instantsOf(wall: number): number[] {
  const offsets = new Set([wall - 86_400, wall + 86_400].map((near) => localOffset(near)));
  return [...offsets]
    .map((offset) => wall - offset)
    .filter((seconds) => seconds + localOffset(seconds) === wall)
    .sort((a, b) => a - b);
}

/** The first instant of the local day whose midnight is given. */
function startOfLocalDay(midnight: number): number {
  const found = instantsOf(midnight)[0];
  // If clocks skip midnight, the offset before the change gives its instant.
  return found ?? midnight - localOffset(midnight - 86_400);
}

function zoneOffset(zone: string): number {
  if (zone === 'Z') return 0;
  const [hours = 0, minutes = 0, seconds = 0] = (zone.slice(1).match(/\d\d/g) ?? []).map(Number);
  return (zone.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds);
}

/**
 * Formats a time in local time with its offset from UTC: `2026-11-22T16:17:01.123456789+01:00`. {@link parseDate} reads back the same
 * nanosecond. Trailing zeros are omitted in groups of three. Outside of the years 1 to 9999 the form is `@SECONDS.FRACTION`.
 */
export function formatLocalTime(ns: bigint): string {
  return localTime(ns, fractionOf(ns).replace(/(?:000)+$/, ''));
}

/**
 * Formats the time of a recorded state as {@link formatLocalTime} does, but with at least three digits after the second. Without
 * them, {@link parseDateSpan} would read a whole second, which names the newest state of that second.
 */
export function formatStateTime(ns: bigint): string {
  return localTime(ns, fractionOf(ns).replace(/(?:000){1,2}$/, ''));
}

/** Nanoseconds after the second, in nine digits. */
function fractionOf(ns: bigint): string {
  return String(ns - floorSeconds(ns) * NS).padStart(9, '0');
}

function localTime(ns: bigint, fraction: string): string {
  const seconds = Number(floorSeconds(ns));
  const offset = localOffset(seconds);
  const wall = wallText(seconds + offset);
  if (wall !== undefined) return `${wall}${fraction === '' ? '' : `.${fraction}`}${zoneText(offset)}`;
  const size = ns < 0n ? -ns : ns;
  return `@${ns < 0n ? '-' : ''}${size / NS}.${String(size % NS).padStart(9, '0')}`;
}

/** The date and time of day, to the second, of seconds since 1970 taken as UTC; undefined outside of the years 1 to 9999. */
function wallText(seconds: number): string | undefined {
  const wall = new Date(seconds * 1000);
  return wall.getTime() >= FIRST_MS && wall.getTime() < END_MS ? wall.toISOString().slice(0, 19) : undefined;
}

/** `2026-11-22 16:17` in local time; outside of the years 1 to 9999 as {@link formatLocalTime}. */
export function formatLocalMinute(ns: bigint): string {
  const seconds = Number(floorSeconds(ns));
  const wall = wallText(seconds + localOffset(seconds));
  return wall === undefined ? formatLocalTime(ns) : `${wall.slice(0, 10)} ${wall.slice(11, 16)}`;
}

function zoneText(offset: number): string {
  const size = Math.abs(offset);
  const parts = [Math.floor(size / 3600), Math.floor(size / 60) % 60, ...(size % 60 === 0 ? [] : [size % 60])];
  return `${offset < 0 ? '-' : '+'}${parts.map((part) => String(part).padStart(2, '0')).join(':')}`;
}

function floorSeconds(ns: bigint): bigint {
  return ns >= 0n ? ns / NS : -((-ns + NS - 1n) / NS);
}

function notADate(text: string, found: string): VtError {
  return new VtError('EUSAGE', `read date "${text}": ${found}`, {
    remedy: 'write 2026-11-22, 2026-11-22T16:17:01Z, @SECONDS or an age such as 7d',
  });
}

const NS = 1_000_000_000n;
/** The years 1 to 9999. */
const FIRST_MS = Date.parse('0001-01-01T00:00:00Z');
const END_MS = Date.parse('+010000-01-01T00:00:00Z');
/** The formats hold times within 2^51 seconds of 1970. @see vt(5), "Dirents" */
const LIMIT_NS = 2n ** 51n * NS;
const UNIT_SECONDS: Readonly<Record<string, bigint>> = { s: 1n, m: 60n, h: 3_600n, d: 86_400n, w: 604_800n };
