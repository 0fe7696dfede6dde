import type { Octets } from '../base/octets.ts';

/**
 * What is known of a node besides its content; any of it may be absent. Nothing a filesystem keeps is lost.
 *
 * Times are nanoseconds since 1970 with sign, as bigint: they exceed 2^53.
 */
export interface Meta {
  /** Permissions with setuid, setgid and sticky: 0..0o7777. The file type is the Dirent's kind. */
  readonly mode?: number;
  /** 0..2^32-1 */
  readonly uid?: number;
  readonly gid?: number;
  /** Owner's name where it was known; on restoring by names it wins over the number. */
  readonly user?: Octets;
  readonly group?: Octets;
  readonly mtimeNs?: bigint;
  readonly ctimeNs?: bigint;
  readonly btimeNs?: bigint;
  /** Of a device. */
  readonly rdev?: { readonly major: number; readonly minor: number };
  /** Extended attributes: names with their prefix (`user.`…), values as bytes. Sorted by name. */
  readonly xattrs?: ReadonlyMap<Octets, Uint8Array>;
}

/** Permissions of a Dirent without a mode. */
export function defaultMode(kind: string): number {
  return kind === 'dir' ? 0o755 : kind === 'symlink' ? 0o777 : 0o644;
}
