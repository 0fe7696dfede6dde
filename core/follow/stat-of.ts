import type { BigIntStats } from 'node:fs';
import { lstatSync, statSync } from 'node:fs';
import type { Octets } from '../base/octets.ts';
import { pathBytes } from '../base/system/system-error.ts';

/** The state of what a path leads to; undefined where nothing is, or cannot be reached. */
export function statOf(path: Octets): BigIntStats | undefined {
  try {
    return statSync(pathBytes(path), { bigint: true });
  } catch {
    return undefined;
  }
}

/** The same of a name itself, symlinks not followed. */
export function statOfItself(path: Octets): BigIntStats | undefined {
  try {
    return lstatSync(pathBytes(path), { bigint: true });
  } catch {
    return undefined;
  }
}
