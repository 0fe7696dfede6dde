import { spawn } from 'node:child_process';
import { VtError } from '../../core/base/errors.ts';
import { errorReason } from '../../core/base/system-error.ts';
import type { Filesystem } from '../filesystem.ts';
import { IN_HEADER_SIZE, MAX_TRANSFER_SIZE, WRITE_IN_SIZE } from './abi.ts';
import { KernelSession, MAX_READ_AHEAD } from './kernel-session.ts';
import type { DeviceMountOptions } from './mount-device.ts';
import { mountDevice, raiseReadAhead } from './mount-device.ts';
import { Notifier } from './notifier.ts';
import type { ReaderKind } from './request-reader.ts';
import { readRequests } from './request-reader.ts';

/** Octets of the buffer that takes requests: content and headers, in whole pages. */
const REQUEST_SIZE = MAX_TRANSFER_SIZE + 4096;

/** How a filesystem is mounted. */
export interface MountOptions extends DeviceMountOptions {
  /** The kernel collects small writes in its page cache. */
  readonly writeback: boolean;
  /** Who waits for requests; default the event loop. */
  readonly reader?: ReaderKind | undefined;
  /** What went wrong and clients see as EIO. */
  readonly onFault: (error: unknown) => void;
}

/** A filesystem that is mounted. */
export interface Mount {
  readonly mountPoint: string;
  /** Resolves when the mount is gone, whoever took it away. */
  readonly ended: Promise<void>;
  /** Tells the kernel of changes from behind. */
  readonly notifier: Notifier;
  /**
   * Takes the mount away.
   *
   * @param lazy - at once for new callers, and for those inside as they leave
   * @throws {VtError} EFAILED where it is in use
   */
  unmount(options?: { readonly lazy?: boolean }): Promise<void>;
}

/** Mounts a filesystem through the kernel's own protocol. Linux only. */
export async function mountKernel(filesystem: Filesystem, options: MountOptions): Promise<Mount> {
  if (process.platform !== 'linux') throw new VtError('EUNSUPPORTED', 'mount: the kernel driver is for Linux');
  const fd = await mountDevice(options);
  const session = new KernelSession(fd, filesystem, options);
  const reader = readRequests(
    fd,
    Math.max(REQUEST_SIZE, MAX_TRANSFER_SIZE + IN_HEADER_SIZE + WRITE_IN_SIZE),
    (bytes) => session.handle(bytes),
    options.reader,
  );
  raiseReadAhead(options.mountPoint, MAX_READ_AHEAD);
  return {
    mountPoint: options.mountPoint,
    ended: reader.ended,
    notifier: new Notifier(fd),
    async unmount({ lazy = false } = {}) {
      await takeAway(options.mountPoint, lazy);
      await reader.ended;
    },
  };
}

/** Another process takes it away: the kernel writes back what it holds, which this one has to answer. */
export async function takeAway(mountPoint: string, lazy: boolean): Promise<void> {
  const isRoot = process.geteuid?.() === 0;
  const [command, ...words] = isRoot ? ['umount', '-i', ...(lazy ? ['-l'] : [])] : ['fusermount3', '-u', ...(lazy ? ['-z'] : [])];
  const child = spawn(command ?? 'umount', [...words, '--', mountPoint], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < 500) said += text;
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) =>
      reject(new VtError('EFAILED', `unmount "${mountPoint}": run ${child.spawnfile}: ${errorReason(error)}`, { cause: error })),
    );
    child.once('close', resolve);
  });
  if (status === 0) return;
  const busy = /busy/i.test(said);
  throw new VtError('EFAILED', `unmount "${mountPoint}": ${busy ? 'it is in use' : said.trim().split('\n')[0]}`, {
    ...(busy ? { remedy: 'close what is open there (fuser -vm names it), or umount -l' } : {}),
  });
}
