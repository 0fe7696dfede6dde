import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import type { Scratch } from './scratch.ts';

/** The kinds of filesystems that a small disk may have. */
export const DISK_KINDS = ['tmpfs', 'ext4', 'btrfs'] as const;

/** A filesystem of its own that is almost full. */
export interface SmallDisk {
  /** Where it is mounted. */
  readonly path: string;
  /** Makes room. */
  free(): void;
}

/** Octets of each: btrfs knows none that is smaller. */
const DISK_SIZES = { tmpfs: 24 * 1024 * 1024, ext4: 32 * 1024 * 1024, btrfs: 128 * 1024 * 1024 };

/**
 * Mounts a small filesystem for the length of a test, with a file in it that takes most of its room.
 *
 * @param room - octets that are left, about
 * @returns why it cannot be had, where this machine or this user cannot
 */
export function smallDisk(scratch: Scratch, kind: (typeof DISK_KINDS)[number], room: number): SmallDisk | string {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root mounts filesystems, on Linux';
  const path = scratch.mkdir('disk');
  const words = kind === 'tmpfs' ? ['-t', 'tmpfs', '-o', `size=${DISK_SIZES.tmpfs}`, 'none'] : imageOf(scratch, kind);
  if (typeof words === 'string') return words;
  const mounted = spawnSync('mount', [...words, path], { encoding: 'utf8' });
  if (mounted.status !== 0) return `mount ${kind}: ${mounted.stderr.trim()}`;
  scratch.beforeRemoval(() => void spawnSync('umount', [path]));
  const ballast = `${path}/ballast`;
  fill(path, ballast, room);
  return { path, free: () => rmSync(ballast) };
}

/** An image with a filesystem, as mount(8) takes it; or why it cannot be made. */
function imageOf(scratch: Scratch, kind: 'ext4' | 'btrfs'): string[] | string {
  const image = scratch.path('disk.img');
  const fd = openSync(image, 'w');
  ftruncateSync(fd, DISK_SIZES[kind]);
  closeSync(fd);
  const made = spawnSync(`mkfs.${kind}`, kind === 'ext4' ? ['-q', '-m', '0', image] : ['-q', '--mixed', image], { encoding: 'utf8' });
  if (made.error !== undefined) return `there is no mkfs.${kind}`;
  return made.status === 0 ? ['-o', 'loop', image] : `mkfs.${kind}: ${made.stderr.trim()}`;
}

/** Writes what nothing compresses until so much is left. */
function fill(path: string, ballast: string, room: number): void {
  const { bavail, bsize } = statfsSync(path);
  const free = bavail * bsize;
  const wrote = spawnSync('head', ['-c', String(Math.max(0, free - room)), '/dev/urandom'], { maxBuffer: DISK_SIZES.btrfs });
  writeFileSync(ballast, wrote.stdout);
  spawnSync('sync', ['-f', path]);
}
