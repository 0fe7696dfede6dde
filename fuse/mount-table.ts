import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Octets } from '../core/base/octets.ts';

/** A mount of ours, as the kernel lists it. */
export interface MountedPlace {
  readonly mountPoint: Octets;
  /** The source, as given to the kernel. */
  readonly source: Octets;
  readonly readOnly: boolean;
}

/** The filesystem type of this program's mounts. */
export const FILESYSTEM_TYPE = 'fuse.vtftp';

/**
 * Every mount of this program on the machine, as listed by proc(5). No path is accessed, since a mount whose server has
 * ended or hangs would block the caller.
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

/** This program's mounts in the output of macOS's mount(8), which lacks our type: `vtftp:NAME on /PLACE (macfuse, read-only)`. */
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

/** Whether a path is the mount point of one of our mounts. */
export function isMounted(mountPoint: Octets): boolean {
  return mountedPlaces().some((place) => place.mountPoint === mountPoint);
}

/** In the table, blanks, newlines and backslashes are written as a backslash and three octal digits. */
function unescapeField(field: string): Octets {
  return field.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))) as Octets;
}
