import { closeSync } from 'node:fs';
import type { Octets } from '../base/octets.ts';
import { octetsToTextStrict } from '../base/octets.ts';
import type { AtCalls } from '../base/system/at-calls.ts';
import { cName } from '../base/system/at-calls.ts';
import { attempt } from './export-attributes.ts';

/**
 * Whether a directory treats `a` and `A` as one name. Tries it with an empty file; false if that cannot be made.
 *
 * @param name - an unused name that contains a lower-case letter
 */
export function foldsCase(at: AtCalls, dir: number, name: Octets): boolean {
  const probe = cName(name);
  try {
    closeSync(at.open(dir, probe, 'create'));
    return at.stat(dir, cName(name.toUpperCase() as Octets)) !== undefined;
  } catch {
    return false; // writing a file here will report the error
  } finally {
    attempt(
      'probe',
      () => undefined,
      () => at.unlink(dir, probe),
    );
  }
}

/** A key that is equal for names that differ only in case or Unicode composition. */
export function foldName(name: Octets): string {
  return octetsToTextStrict(name)?.normalize('NFC').toLowerCase() ?? name;
}
