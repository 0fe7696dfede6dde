import type { Notices } from './notices.ts';

/** What mounts a filesystem: the kernel's own protocol, or libfuse 2 through the package `fuse-native`. */
export const DRIVERS = ['kernel', 'fuse-native'] as const;

/** @see DRIVERS */
export type Driver = (typeof DRIVERS)[number];

/** What a kernel may act on in a mount. A tree may come from a stranger, so root has to ask for the first two. */
export interface Honours {
  readonly suid: boolean;
  readonly dev: boolean;
  readonly exec: boolean;
}

/** What a client asked for that got EIO. */
export interface FaultyRequest {
  /** As the kernel or the library calls it: `read`. */
  readonly operation: string;
  /** What it was about: the number of a node, or its path in the mount. */
  readonly subject: number | string;
}

/** How a filesystem is mounted. */
export interface MountOptions {
  readonly driver: Driver;
  readonly mountPoint: string;
  /** What `mount` lists as the source. */
  readonly source: string;
  /** What the system calls the volume, where it has names for them. */
  readonly volumeName?: string | undefined;
  readonly readOnly: boolean;
  /** Users besides the one who mounts may go in. */
  readonly allowOther: boolean;
  /** What of the tree the kernel acts on: setuid and setgid bits, devices, programs. */
  readonly honours: Honours;
  /** The kernel collects small writes in its page cache. */
  readonly writeback: boolean;
  /** Called with each request that a client sees, or will see, as EIO, with the reason. */
  readonly onFault: (error: unknown, request: FaultyRequest) => void;
}

/** A filesystem that is mounted. */
export interface Mount {
  readonly mountPoint: string;
  /** Resolves when the mount has ended, by whatever means. */
  readonly ended: Promise<void>;
  /** Tells the kernel of changes from behind. */
  readonly notices: Notices;
  /**
   * Takes the mount away.
   *
   * @param lazy - at once for new callers, and for those inside as they leave
   * @throws {VtError} EFAILED where it is in use
   */
  unmount(options?: { readonly lazy?: boolean }): Promise<void>;
}

/** The driver of a system where nobody says which. */
export function defaultDriver(platform = process.platform): Driver {
  return platform === 'linux' ? 'kernel' : 'fuse-native';
}
