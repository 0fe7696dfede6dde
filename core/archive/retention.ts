import { localOffset } from '../base/system/local-offset.ts';
import type { ArchiveEntry } from './archive.ts';
import { marksOf } from './mark-notes.ts';

/** The periods of a retention policy. */
export const PERIODS = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
export type Period = (typeof PERIODS)[number];

/** Which states to keep. The rules have the names that restic and borg use. */
export interface RetentionPolicy {
  /** Keep this many of the newest states. */
  readonly last?: number | undefined;
  /** Keep the newest state of each of this many periods, counted back from the newest. Periods without a state are not counted. */
  readonly periods?: Readonly<Partial<Record<Period, number>>>;
  /** Keep all states within this distance before the newest one. */
  readonly within?: CalendarAge | undefined;
  /** Keep all states with any of these tags. */
  readonly tags?: readonly string[];
}

/** A distance back in the calendar. */
export interface CalendarAge {
  readonly years: number;
  readonly months: number;
  readonly days: number;
  readonly hours: number;
}

/** Whether a state is kept, and why. */
export interface RetentionVerdict {
  readonly entry: ArchiveEntry;
  /** The rules that keep it; empty if it is to be dropped. */
  readonly reasons: readonly string[];
}

/**
 * Applies a policy to the states of an archive. A state is kept if any rule keeps it. Periods are in local time; an hour that occurs
 * twice when clocks are set back counts as two. If fewer periods have states than a rule may keep, the rule also keeps the oldest state.
 * The newest state and protected ones are always kept.
 *
 * @param entries - oldest first
 * @returns one verdict a state, in the same order
 */
export function applyRetention(entries: readonly ArchiveEntry[], policy: RetentionPolicy): RetentionVerdict[] {
  // Sorted by time, newest first: an archive may have received older states later.
  const byDate = [...entries].sort((a, b) => (a.whenNs === b.whenNs ? b.number - a.number : a.whenNs < b.whenNs ? 1 : -1));
  const reasons = new Map<ArchiveEntry, string[]>(entries.map((entry) => [entry, []]));
  const keep = (entry: ArchiveEntry, reason: string): void => void reasons.get(entry)?.push(reason);
  const newest = entries.at(-1);
  if (newest !== undefined) keep(newest, 'newest');
  for (const entry of byDate.slice(0, policy.last ?? 0)) keep(entry, 'last');
  for (const period of PERIODS) keepPeriods(byDate, period, policy.periods?.[period] ?? 0, keep);
  const [latest] = byDate;
  if (policy.within !== undefined && latest !== undefined) {
    const limitNs = backFrom(latest.whenNs, policy.within);
    for (const entry of byDate) if (entry.whenNs >= limitNs) keep(entry, 'within');
  }
  for (const entry of entries) {
    const { tags, isProtected } = marksOf(entry);
    for (const tag of tags) if (policy.tags?.includes(tag) === true) keep(entry, `tag ${tag}`);
    if (isProtected) keep(entry, 'protected');
  }
  return entries.map((entry) => ({ entry, reasons: reasons.get(entry) ?? [] }));
}

function keepPeriods(
  byDate: readonly ArchiveEntry[],
  period: Period,
  count: number,
  keep: (entry: ArchiveEntry, reason: string) => void,
): void {
  let left = count;
  let last: string | undefined;
  for (const entry of byDate) {
    if (left === 0) return;
    const key = periodKey(entry.whenNs, period);
    if (key === last) continue;
    keep(entry, period);
    last = key;
    left--;
  }
  const oldest = byDate.at(-1);
  if (left > 0 && oldest !== undefined && count > 0) keep(oldest, `oldest ${period}`);
}

/** A key that is equal for all instants of one period, and differs between periods. */
function periodKey(whenNs: bigint, period: Period): string {
  const { seconds, offset } = localSecondsOf(whenNs);
  const date = new Date((seconds + offset) * 1000).toISOString();
  const day = date.slice(0, -14);
  switch (period) {
    case 'hourly':
      return `${date.slice(0, -11)} ${offset}`;
    case 'daily':
      return day;
    case 'weekly':
      // Weeks begin on Mondays, as in ISO 8601; 1970 began on a Thursday.
      return String(Math.floor((Math.floor((seconds + offset) / 86_400) + 3) / 7));
    case 'monthly':
      return day.slice(0, -3);
    case 'yearly':
      return day.slice(0, -6);
  }
}

function localSecondsOf(whenNs: bigint): { readonly seconds: number; readonly offset: number } {
  const floor = whenNs >= 0n ? whenNs / NS : -((-whenNs + NS - 1n) / NS);
  return { seconds: Number(floor), offset: localOffset(Number(floor)) };
}

/** The same local time, this far back. If the earlier month has no such day, its last day is used. */
function backFrom(whenNs: bigint, { years, months, days, hours }: CalendarAge): bigint {
  const { seconds, offset } = localSecondsOf(whenNs);
  const wall = new Date((seconds + offset) * 1000);
  const day = wall.getUTCDate();
  wall.setUTCDate(1);
  wall.setUTCFullYear(wall.getUTCFullYear() - years, wall.getUTCMonth() - months);
  const daysInMonth = new Date(Date.UTC(wall.getUTCFullYear(), wall.getUTCMonth() + 1, 0)).getUTCDate();
  wall.setUTCDate(Math.min(day, daysInMonth));
  const wallSeconds = wall.getTime() / 1000 - days * 86_400;
  // The offset from UTC may have changed in between.
  const near = wallSeconds - offset;
  return BigInt(wallSeconds - localOffset(near) - hours * 3600) * NS + (whenNs - BigInt(seconds) * NS);
}

const NS = 1_000_000_000n;
