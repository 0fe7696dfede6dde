import type { Mount, MountOptions } from '../driver.ts';
import type { Filesystem } from '../filesystem.ts';
import { takeAway } from '../take-away.ts';
import { IN_HEADER_SIZE, MAX_TRANSFER_SIZE, WRITE_IN_SIZE } from './abi.ts';
import { KernelSession, MAX_READ_AHEAD } from './kernel-session.ts';
import { mountDevice, raiseReadAhead } from './mount-device.ts';
import { Notifier } from './notifier.ts';
import type { ReaderKind } from './request-reader.ts';
import { readRequests } from './request-reader.ts';

/** Bytes of the buffer that takes requests: content and headers, in whole pages. */
const REQUEST_SIZE = MAX_TRANSFER_SIZE + 4096;

/** Options of the kernel driver, besides those of every driver. */
interface KernelMountOptions extends MountOptions {
  /** What waits for requests; default the event loop. */
  readonly reader?: ReaderKind | undefined;
}

/** Mounts a filesystem through the kernel's own protocol. Linux only. */
export async function mountKernel(filesystem: Filesystem, options: KernelMountOptions): Promise<Mount> {
  const fd = await mountDevice(options);
  const session = new KernelSession(fd, filesystem, options);
  const notices = new Notifier(fd);
  const reader = readRequests(
    fd,
    Math.max(REQUEST_SIZE, MAX_TRANSFER_SIZE + IN_HEADER_SIZE + WRITE_IN_SIZE),
    {
      take: (bytes) => session.handle(bytes),
      async end() {
        session.end();
        await notices.end();
      },
    },
    options.reader,
  );
  raiseReadAhead(options.mountPoint, MAX_READ_AHEAD);
  return {
    mountPoint: options.mountPoint,
    ended: reader.ended,
    notices,
    async unmount({ lazy = false } = {}) {
      await takeAway(options.mountPoint, lazy);
      await reader.ended;
    },
  };
}
