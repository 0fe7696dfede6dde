import { closeSync } from 'node:fs';
import type { Octets } from '../base/octets.ts';
import type { AtCalls } from '../base/system/at-calls.ts';
import { cName } from '../base/system/at-calls.ts';
import { timespecs } from '../base/timespec.ts';
import { attempt } from './export-attributes.ts';

/** Resolutions of filesystems in nanoseconds: ext4, NTFS, FUSE with microseconds, exFAT, ext3, FAT. */
const GRAINS_NS = [1n, 100n, 1000n, 10_000_000n, 1_000_000_000n, 2_000_000_000n] as const;

/** 2001-09-09T01:46:41.987654321Z: an odd second, and a multiple of 1 ns only. */
const PROBE_NS = 1_000_000_001_987_654_321n;

/**
 * The resolution of times in a directory, in nanoseconds. Tries it with an empty file; 1 if that fails.
 *
 * @param name - an unused name
 */
export function timeGrain(at: AtCalls, dir: number, name: Octets): bigint {
  const probe = cName(name);
  try {
    const fd = at.open(dir, probe, 'create');
    try {
      at.futimens(fd, timespecs(PROBE_NS, PROBE_NS));
    } finally {
      closeSync(fd);
    }
    const kept = at.stat(dir, probe)?.mtimeNs;
    return GRAINS_NS.find((grain) => floorTo(PROBE_NS, grain) === kept) ?? 1n;
  } catch {
    return 1n; // writing a file here will report the error
  } finally {
    attempt(
      'probe',
      () => undefined,
      () => at.unlink(dir, probe),
    );
  }
}

/** Rounds a time down to a multiple of `grain`. */
export function floorTo(timeNs: bigint, grain: bigint): bigint {
  const rest = timeNs % grain;
  return timeNs - (rest < 0n ? rest + grain : rest);
}
