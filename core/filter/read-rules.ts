import { readFileSync, statSync } from 'node:fs';
import { VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsFromBytes, octetsToText } from '../base/octets.ts';
import { errorCode, errorReason, pathBytes } from '../base/system/system-error.ts';

/** Octets of a file of rules, at most. */
const MAX_RULES_SIZE = 1024 * 1024;

/**
 * Reads a local file of rules.
 *
 * @returns undefined where nothing is there, or what is there is no file
 * @throws {VtError} EFAILED if it cannot be read or exceeds 1 MiB: what it excludes must not be taken in
 */
export function readLocalRules(path: Octets): Octets | undefined {
  const fail = (what: string, cause?: unknown): VtError => new VtError('EFAILED', `read rules "${octetsToText(path)}": ${what}`, { cause });
  try {
    const stat = statSync(pathBytes(path), { throwIfNoEntry: false });
    if (stat?.isFile() !== true) return undefined;
    if (stat.size > MAX_RULES_SIZE) throw fail(`larger than ${MAX_RULES_SIZE} octets`);
    return octetsFromBytes(readFileSync(pathBytes(path)));
  } catch (error) {
    if (error instanceof VtError) throw error;
    if (errorCode(error) === 'ENOTDIR' || errorCode(error) === 'ENOENT') return undefined;
    throw fail(errorReason(error), error);
  }
}
