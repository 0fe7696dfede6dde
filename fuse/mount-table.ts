import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Octets } from '../core/base/octets.ts';

/** A mount of ours, as the kernel lists it. */
export interface MountedPlace {
  readonly mountPoint: Octets;
  /** What was mounted, as the kernel was told. */
  readonly source: Octets;
  readonly readOnly: boolean;
}

/** The type that the mounts of this program have. */
export const FILESYSTEM_TYPE = 'fuse.vtftp';

/**
 * Every mount of this program on the machine, as proc(5) lists them. No path is looked at, since a mount whose server is
 * gone or stuck would block the caller.
 *
 * @param file - for tests
 */
export function mountedPlaces(file = '/proc/self/mountinfo'): MountedPlace[] {
  if (process.platform === 'darwin') return listedPlaces(spawnSync('/sbin/mount', { encoding: 'latin1' }).stdout);
  const places: MountedPlace[] = [];
  for (const line of readFileSync(file, 'latin1').split('\n')) {
    const fields = line.split(' ');
    const dash = fields.indexOf('-');
    if (dash < 0 || fields[dash + 1] !== FILESYSTEM_TYPE) continue;
    places.push({
      mountPoint: unescapeField(fields[4] ?? ''),
      source: unescapeField(fields[dash + 2] ?? ''),
      readOnly: (fields[5] ?? '').split(',').includes('ro'),
    });
  }
  return places;
}

/** The mounts of this program in what mount(8) of macOS prints, which knows no types of ours: `vtftp:NAME on /PLACE (macfuse, read-only)`. */
export function listedPlaces(text: string): MountedPlace[] {
  const places: MountedPlace[] = [];
  for (const [, source, mountPoint, options] of text.matchAll(/^(vtftp:.*) on (\/.*) \((.*)\)$/gm)) {
    places.push({
      source: source as Octets,
      mountPoint: mountPoint as Octets,
      readOnly: options?.split(', ').includes('read-only') === true,
    });
  }
  return places;
}

/** Whether one of our mounts is at a path. */
export function isMounted(mountPoint: Octets): boolean {
  return mountedPlaces().some((place) => place.mountPoint === mountPoint);
}

/** Blanks, newlines and backslashes are there as three octal digits. */
function unescapeField(field: string): Octets {
  return field.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))) as Octets;
}
