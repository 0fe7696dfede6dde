import { existsSync, readlinkSync } from 'node:fs';
import { libc } from './libc.ts';

// How far local time is from UTC. The C library is the authority. V8 takes a `TZ` that is no name of a zone
// (`EST5EDT4,M3.2.0,M11.1.0`, a path) for UTC. It does not see a zone that was copied to /etc/localtime. Where both know
// the zone V8 is asked, as that loads nothing.

/**
 * Seconds by which local time is ahead of UTC at an instant.
 *
 * @param seconds - since 1970, whole
 */
export function localOffset(seconds: number): number {
  // Of the years before 1970 they do not always know the same.
  return (isKnownToV8 && seconds >= 0 ? undefined : libc().localOffset(seconds)) ?? offsetByDate(seconds);
}

let isKnownToV8 = false;

/** Says what `TZ` is, once and for the whole process; until then the C library is asked, which takes 20 ms to load. */
export function useZone(zone: string | undefined): void {
  isKnownToV8 = knowsZone(zone);
}

/** 1973-01-01: from here on every offset is of whole minutes. */
const WHOLE_MINUTES_FROM = 94_694_400;

const ZONES = '/usr/share/zoneinfo/';

/** Whether V8 and the C library mean the same zone by a `TZ`. */
function knowsZone(zone: string | undefined): boolean {
  if (process.platform === 'win32') return true;
  if (zone === undefined) {
    try {
      return readlinkSync('/etc/localtime').includes('/zoneinfo/');
    } catch {
      return false;
    }
  }
  if (zone === '' || zone === 'UTC') return true;
  // `EST5EDT` and the like are no places, and not the same to both.
  if (!/^[A-Z]\w+(?:\/[\w+-]+)+$/.test(zone) || !existsSync(`${ZONES}${zone}`)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** The same by V8, beyond whose years local time is UTC. */
function offsetByDate(seconds: number): number {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return 0;
  // getTimezoneOffset rounds to minutes, and takes a third of the time. Liberia was the last with an offset of seconds, until 1972-01-07.
  if (seconds >= WHOLE_MINUTES_FROM) return -60 * date.getTimezoneOffset();
  const local = new Date(0);
  local.setUTCFullYear(date.getFullYear(), date.getMonth(), date.getDate());
  local.setUTCHours(date.getHours(), date.getMinutes(), date.getSeconds());
  return Math.round(local.getTime() / 1000) - seconds;
}
