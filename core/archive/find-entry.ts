import { formatLocalMinute, parseDateSpan } from '../base/date.ts';
import { VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { Archive, ArchiveEntry } from './archive.ts';
import { isTag, marksOf } from './mark-notes.ts';

/**
 * Finds the entry of an archive that a number, a date or a tag names. A number counts from 1; 0 is the newest entry, -1 the one before
 * it. A date names the newest entry recorded no later; a day, minute or second counts to its end. A tag names the newest entry that
 * has it.
 *
 * @param spec - without the `@`
 * @throws {VtError} EOPEN if there is no such number or no entry that old; EUSAGE for an unknown tag and for any other text
 */
export async function findEntry(archive: Archive, spec: string, now: Date, options: OpOptions = {}): Promise<ArchiveEntry> {
  const isNumber = /^-?\d{1,15}$/.test(spec);
  if (isTag(spec)) return await findTagged(archive, spec, options);
  const limitNs = isNumber ? undefined : parseDateSpan(spec, now).endNs;
  const kept: ArchiveEntry[] = [];
  let found: ArchiveEntry | undefined;
  let oldest: ArchiveEntry | undefined;
  const wanted = Number(spec);
  for await (const entry of archive.entries(options)) {
    oldest ??= entry;
    if (limitNs !== undefined) {
      if (entry.whenNs <= limitNs) found = entry;
    } else if (wanted > 0) {
      if (entry.number === wanted) return entry;
    } else {
      kept.push(entry);
      if (kept.length > -wanted + 1) kept.shift();
    }
  }
  if (isNumber && wanted <= 0 && kept.length === -wanted + 1) found = kept[0];
  if (found === undefined) throw noSuchState(spec, isNumber, oldest);
  return found;
}

async function findTagged(archive: Archive, tag: string, options: OpOptions): Promise<ArchiveEntry> {
  let found: ArchiveEntry | undefined;
  for await (const entry of archive.entries(options)) if (marksOf(entry).tags.includes(tag)) found = entry;
  // EUSAGE, not EOPEN: the user may have meant the word as something else.
  if (found !== undefined) return found;
  throw new VtError('EUSAGE', `"@${tag}": no state has that tag, and it is not a date`, { remedy: 'log lists the states' });
}

function noSuchState(spec: string, isNumber: boolean, oldest: ArchiveEntry | undefined): VtError {
  if (oldest === undefined) return new VtError('EOPEN', `"@${spec}": no state is recorded yet`);
  if (isNumber) return new VtError('EOPEN', `"@${spec}": no such state`, { remedy: 'log lists them' });
  return new VtError('EOPEN', `"@${spec}": no state that old; the oldest is @${oldest.number} of ${formatLocalMinute(oldest.whenNs)}`);
}
