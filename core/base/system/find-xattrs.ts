import type { Octets } from '../octets.ts';
import { compareOctets } from '../octets.ts';
import { getXattr, listXattrs } from './libc.ts';
import type { FileTarget } from './libc-calls.ts';

/** Extended attributes of a node, and the error if some could not be read. */
export interface FoundXattrs {
  /** Ascending by name; undefined if there are none. */
  readonly xattrs: ReadonlyMap<Octets, Uint8Array> | undefined;
  readonly error: unknown;
}

const NONE: FoundXattrs = { xattrs: undefined, error: undefined };

/**
 * Reads the extended attributes of a node, including ACLs. Attributes that cannot be read are left out. For one of `user.` that is an
 * error; others, such as `trusted.` and `security.`, are often not readable.
 */
export function findXattrs(target: FileTarget): FoundXattrs {
  let names: Octets[];
  try {
    names = listXattrs(target);
  } catch (error) {
    return { xattrs: undefined, error };
  }
  if (names.length === 0) return NONE;
  const xattrs = new Map<Octets, Uint8Array>();
  let failed: unknown;
  for (const name of names.sort(compareOctets)) {
    try {
      const value = getXattr(target, name);
      if (value !== undefined) xattrs.set(name, value);
    } catch (error) {
      if (name.startsWith('user.')) failed = error;
    }
  }
  return { xattrs: xattrs.size === 0 ? undefined : xattrs, error: failed };
}
