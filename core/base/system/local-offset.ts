import { existsSync, readlinkSync } from 'node:fs';
import { libc } from './libc.ts';

// The offset of local time from UTC. The C library is right in all cases. V8 takes a `TZ` that is not the name of a zone
// (`EST5EDT4,M3.2.0,M11.1.0`, a path) for UTC, and ignores a zone that was copied to /etc/localtime. If both know the zone, V8 is used,
// because that loads nothing.

/**
 * Seconds by which local time is ahead of UTC at an instant.
 *
 * @param seconds - since 1970, whole
 */
export function localOffset(seconds: number): number {
  // For years before 1970 the two may differ.
  return (isKnownToV8 && seconds >= 0 ? undefined : libc().localOffset(seconds)) ?? offsetByDate(seconds);
}

let isKnownToV8 = false;

/** Sets the value of `TZ` for the whole process. Before this call the C library is used, which takes 20 ms to load. */
export function useZone(zone: string | undefined): void {
  isKnownToV8 = knowsZone(zone);
}

/** 1973-01-01: from then on every offset is a whole number of minutes. */
const WHOLE_MINUTES_FROM = 94_694_400;

const ZONES = '/usr/share/zoneinfo/';

/** Whether V8 and the C library read a `TZ` as the same zone. */
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
  // Names such as `EST5EDT` are not places, and the two read them differently.
  if (!/^[A-Z]\w+(?:\/[\w+-]+)+$/.test(zone) || !existsSync(`${ZONES}${zone}`)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** The same with V8; 0 for years beyond its range. */
function offsetByDate(seconds: number): number {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return 0;
  // getTimezoneOffset takes a third of the time, but rounds to minutes. Liberia had the last offset with seconds, until 1972-01-07.
  if (seconds >= WHOLE_MINUTES_FROM) return -60 * date.getTimezoneOffset();
  const local = new Date(0);
  local.setUTCFullYear(date.getFullYear(), date.getMonth(), date.getDate());
  local.setUTCHours(date.getHours(), date.getMinutes(), date.getSeconds());
  return Math.round(local.getTime() / 1000) - seconds;
}
