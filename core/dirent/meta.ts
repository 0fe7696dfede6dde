import type { Octets } from '../base/octets.ts';

/**
 * The metadata of a node. Any field may be absent. Everything that filesystems store can be represented.
 *
 * Times are nanoseconds since 1970, may be negative, and exceed 2^53.
 */
export interface Meta {
  /** Permissions with setuid, setgid and sticky: 0..0o7777. The file type is the Dirent's kind. */
  readonly mode?: number;
  /** 0..2^32-1 */
  readonly uid?: number;
  readonly gid?: number;
  /** The owner's name, if it was known. When owners are restored by name, it takes precedence over the number. */
  readonly user?: Octets;
  readonly group?: Octets;
  readonly mtimeNs?: bigint;
  readonly ctimeNs?: bigint;
  readonly btimeNs?: bigint;
  /** The numbers of a device. */
  readonly rdev?: { readonly major: number; readonly minor: number };
  /** Extended attributes: names with their prefix (`user.`…), values as bytes. Sorted by name. */
  readonly xattrs?: ReadonlyMap<Octets, Uint8Array>;
}

/** The permissions of a Dirent without a mode. */
export function defaultMode(kind: string): number {
  return kind === 'dir' ? 0o755 : kind === 'symlink' ? 0o777 : 0o644;
}
