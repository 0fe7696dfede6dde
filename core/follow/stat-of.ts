import type { BigIntStats } from 'node:fs';
import { lstatSync, statSync } from 'node:fs';
import type { Octets } from '../base/octets.ts';
import { pathBytes } from '../base/system/system-error.ts';

/** The stat of a path, following symlinks; undefined if there is nothing, or it cannot be reached. */
export function statOf(path: Octets): BigIntStats | undefined {
  try {
    return statSync(pathBytes(path), { bigint: true });
  } catch {
    return undefined;
  }
}

/** The stat of a path, not following a symlink of that name. */
export function statOfItself(path: Octets): BigIntStats | undefined {
  try {
    return lstatSync(pathBytes(path), { bigint: true });
  } catch {
    return undefined;
  }
}
