import { VtError } from './errors.ts';

/**
 * Nanoseconds since 1970 of a date as people write it: ISO-8601 (`2026-11-22`, `2026-11-22T16:17:01.123456789Z`, local
 * time where no zone is given), `@SECONDS[.FRACTION]`, `now`, `yesterday`, or an age: `90s`, `15m`, `36h`, `7d`, `2w` ago.
 *
 * @param now - what ages count from
 * @throws {VtError} EUSAGE if it is none of these
 */
export function parseDate(text: string, now: Date): bigint {
  const timeNs = readDate(text, now);
  if (timeNs >= LIMIT_NS || timeNs < -LIMIT_NS) throw notADate(text, 'further from 1970 than any time is kept');
  return timeNs;
}

function readDate(text: string, now: Date): bigint {
  const nowNs = BigInt(now.getTime()) * 1_000_000n;
  if (text === 'now') return nowNs;
  if (text === 'yesterday') return nowNs - 86_400n * NS;
  const age = /^(\d{1,20})([smhdw])$/.exec(text);
  if (age !== null) return nowNs - BigInt(age[1] ?? 0) * (UNIT_SECONDS[age[2] ?? 's'] ?? 1n) * NS;
  const stamp = /^@(-?\d{1,20})(?:\.(\d{1,9}))?$/.exec(text);
  if (stamp !== null) {
    const fraction = BigInt((stamp[2] ?? '').padEnd(9, '0'));
    return BigInt(stamp[1] ?? 0) * NS + (text.startsWith('@-') ? -fraction : fraction);
  }
  const iso = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?)?$/.exec(text);
  if (iso !== null) {
    const [, day = '', time = '00:00:00', fraction = '', zone = ''] = iso;
    const milliseconds = Date.parse(`${day}T${time.length === 5 ? `${time}:00` : time}${zone}`);
    if (!Number.isNaN(milliseconds)) return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
  }
  throw notADate(text, 'not a date');
}

function notADate(text: string, found: string): VtError {
  return new VtError('EUSAGE', `read date "${text}": ${found}`, {
    remedy: 'write 2026-11-22, 2026-11-22T16:17:01Z, @SECONDS or an age such as 7d',
  });
}

const NS = 1_000_000_000n;
/** Beyond 2^51 seconds either way no format keeps a time. @see vt(5), "Dirents" */
const LIMIT_NS = 2n ** 51n * NS;
const UNIT_SECONDS: Readonly<Record<string, bigint>> = { s: 1n, m: 60n, h: 3_600n, d: 86_400n, w: 604_800n };
