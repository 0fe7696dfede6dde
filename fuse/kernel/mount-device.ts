import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, writeFileSync } from 'node:fs';
import { VtError } from '../../core/base/errors.ts';
import { receiveDescriptor, socketPair } from '../../core/base/system/descriptor-passing.ts';
import { nativeLibrary } from '../../core/base/system/libc.ts';
import { errorReason } from '../../core/base/system/system-error.ts';
import type { Honours } from '../driver.ts';
import { FILESYSTEM_TYPE } from '../mount-table.ts';

/** The device of filesystems in user space: fuse(4). */
export const FUSE_DEVICE = '/dev/fuse';

/** Octets of a helper's stderr that an error message quotes, at most. */
const MAX_SAID = 500;

/** Options of a mount for the kernel. */
export interface DeviceMountOptions {
  readonly mountPoint: string;
  /** What `mount` lists as the source. */
  readonly source: string;
  readonly readOnly: boolean;
  /** Users other than the one who mounts have access. */
  readonly allowOther: boolean;
  readonly honours: Honours;
}

/**
 * Mounts by mount(8) as root, by `fusermount3` as any other user. Both are other processes: a process that serves a mount
 * must not block in a system call that may send it a request.
 *
 * @returns a descriptor of `/dev/fuse` that does not block
 * @throws {VtError} EOPEN if FUSE is missing or the mount point cannot be used
 */
export async function mountDevice(options: DeviceMountOptions): Promise<number> {
  return process.geteuid?.() === 0 ? await mountAsRoot(options) : await mountByHelper(options);
}

async function mountAsRoot(options: DeviceMountOptions): Promise<number> {
  let fd: number;
  try {
    fd = openSync(FUSE_DEVICE, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    throw mountError(options, `open "${FUSE_DEVICE}": ${errorReason(error)}`, error);
  }
  try {
    const words = ['fd=3', 'rootmode=40000', 'user_id=0', 'group_id=0', ...commonWords(options)];
    const arguments_ = ['-i', '-t', FILESYSTEM_TYPE, '-o', words.join(','), '--', options.source, options.mountPoint];
    await finished(options, spawn('mount', arguments_, { stdio: ['ignore', 'ignore', 'pipe', fd] }));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** The helper is setuid root: it opens the device, mounts, and passes the descriptor over a socket. */
async function mountByHelper(options: DeviceMountOptions): Promise<number> {
  const library = nativeLibrary();
  if (library === undefined) throw mountError(options, 'the C library cannot be called, which mounting takes for who is not root');
  const [ours, theirs] = socketPair(library);
  let fd: number | undefined;
  try {
    const words = [`fsname=${options.source.replace(/[\\,]/g, '\\$&')}`, 'subtype=vtftp', ...commonWords(options)];
    const child = spawn('fusermount3', ['-o', words.join(','), '--', options.mountPoint], {
      stdio: ['ignore', 'ignore', 'pipe', theirs],
      env: { PATH: '/usr/local/bin:/usr/bin:/bin:/sbin:/usr/sbin', _FUSE_COMMFD: '3' },
    });
    const done = finished(options, child);
    // Only the helper's copy is left, so the wait ends if the helper exits without sending anything.
    closeSync(theirs);
    await done;
    fd = receiveDescriptor(library, ours);
  } finally {
    closeSync(ours);
  }
  if (fd === undefined) throw mountError(options, 'fusermount3 gave no descriptor');
  return fd;
}

/**
 * Lets the kernel read ahead this many octets in files of a mount, if this process may set it; the kernel's default is 128 KiB.
 * The setting ends with the mount. The mount itself is not accessed.
 */
export function raiseReadAhead(mountPoint: string, octets: number): void {
  try {
    const shown = mountPoint.replace(/[ \t\n\\]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
    const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    const device = lines.findLast((line) => line.split(' ')[4] === shown)?.split(' ')[2];
    if (device !== undefined) writeFileSync(`/sys/class/bdi/${device}/read_ahead_kb`, String(octets / 1024));
  } catch {
    // Without the right to set it, files are read in smaller pieces.
  }
}

function commonWords({ readOnly, allowOther, honours }: DeviceMountOptions): string[] {
  const refused = (['suid', 'dev', 'exec'] as const).filter((word) => !honours[word]).map((word) => `no${word}`);
  return ['default_permissions', ...refused, ...(readOnly ? ['ro'] : []), ...(allowOther ? ['allow_other'] : [])];
}

/** Waits for a helper. @throws {VtError} with its message if it failed */
async function finished(options: DeviceMountOptions, child: ChildProcess): Promise<void> {
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < MAX_SAID) said += text;
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) => reject(mountError(options, `run ${child.spawnfile}: ${errorReason(error)}`, error)));
    child.once('close', resolve);
  });
  if (status !== 0)
    throw mountError(
      options,
      said
        .trim()
        .split('\n')[0]
        ?.replace(/^\S*mount\S*: /, '') ?? `${child.spawnfile} failed`,
    );
}

function mountError({ mountPoint }: DeviceMountOptions, reason: string, cause?: unknown): VtError {
  return new VtError('EOPEN', `mount "${mountPoint}": ${reason}`, { cause });
}
