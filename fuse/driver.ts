import type { Notices } from './notices.ts';

/** The drivers that can mount a filesystem: the kernel's own protocol, or libfuse 2 through the package `fuse-native`. */
export const DRIVERS = ['kernel', 'fuse-native'] as const;

/** @see DRIVERS */
export type Driver = (typeof DRIVERS)[number];

/** What a kernel may act on in a mount. A tree may come from a stranger, so root has to ask for the first two. */
export interface Honours {
  readonly suid: boolean;
  readonly dev: boolean;
  readonly exec: boolean;
}

/** A client's request that failed with EIO. */
export interface FaultyRequest {
  /** The operation's name in the kernel or the library: `read`. */
  readonly operation: string;
  /** The node: its number, or its path in the mount. */
  readonly subject: number | string;
}

/** How a filesystem is mounted. */
export interface MountOptions {
  readonly driver: Driver;
  readonly mountPoint: string;
  /** What `mount` lists as the source. */
  readonly source: string;
  /** The volume's name, on systems that have volume names. */
  readonly volumeName?: string | undefined;
  readonly readOnly: boolean;
  /** Users other than the one who mounts have access. */
  readonly allowOther: boolean;
  /** What the kernel honours in the tree: setuid and setgid bits, devices, programs. */
  readonly honours: Honours;
  /** The kernel collects small writes in its page cache. */
  readonly writeback: boolean;
  /** Called for each request that fails, or will fail, with EIO for the client, with the reason. */
  readonly onFault: (error: unknown, request: FaultyRequest) => void;
}

/** A mounted filesystem. */
export interface Mount {
  readonly mountPoint: string;
  /** Resolves when the mount has ended for any reason. */
  readonly ended: Promise<void>;
  /** Notifies the kernel of changes that did not come through this mount. */
  readonly notices: Notices;
  /**
   * Unmounts.
   *
   * @param lazy - detaches it at once; open files stay usable until they are closed
   * @throws {VtError} EFAILED if it is in use
   */
  unmount(options?: { readonly lazy?: boolean }): Promise<void>;
}

/** The default driver of a system. */
export function defaultDriver(platform = process.platform): Driver {
  return platform === 'linux' ? 'kernel' : 'fuse-native';
}
