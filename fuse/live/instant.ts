import type { Instant } from '../filesystem.ts';

const NANOS = 1_000_000_000n;

/** A moment in ns since 1970 as seconds and nanoseconds. */
export function instantOf(ns: bigint): Instant {
  let seconds = ns / NANOS;
  let rest = ns % NANOS;
  if (rest < 0n) {
    seconds--;
    rest += NANOS;
  }
  return { seconds: Number(seconds), nanoseconds: Number(rest) };
}

/** A moment in ns since 1970. */
export function nanosecondsOf({ seconds, nanoseconds }: Instant): bigint {
  return BigInt(seconds) * NANOS + BigInt(nanoseconds);
}
