import { closeSync } from 'node:fs';
import type { Octets } from '../base/octets.ts';
import { octetsToTextStrict } from '../base/octets.ts';
import type { AtCalls } from '../base/system/at-calls.ts';
import { cName } from '../base/system/at-calls.ts';
import { attempt } from './export-attributes.ts';

/**
 * Whether a directory takes `a` and `A` for one name: tried out with an empty file.
 *
 * @param name - in no use, with a lower-case letter in it
 */
export function foldsCase(at: AtCalls, dir: number, name: Octets): boolean {
  const probe = cName(name);
  try {
    closeSync(at.open(dir, probe, 'create'));
    return at.stat(dir, cName(name.toUpperCase() as Octets)) !== undefined;
  } catch {
    return false; // what forbids writing here is reported when something is written
  } finally {
    attempt(
      'probe',
      () => undefined,
      () => at.unlink(dir, probe),
    );
  }
}

/** What names have in common that are one name where case, and how a letter is composed, make no difference. */
export function foldName(name: Octets): string {
  return octetsToTextStrict(name)?.normalize('NFC').toLowerCase() ?? name;
}
