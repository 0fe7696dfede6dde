import type { OpOptions } from '../base/op-options.ts';
import type { Archive, ArchiveEntry } from './archive.ts';

export type EntriesOptions = OpOptions & { readonly onDamage?: (line: number, reason: string) => void };

/**
 * All readable entries of an archive, newest first. If the archive cannot be read from its end, all entries are read before the first
 * is returned.
 */
export async function* newestFirst(archive: Archive, options: EntriesOptions = {}): AsyncGenerator<ArchiveEntry, void, undefined> {
  if (archive.newestFirst !== undefined) {
    yield* archive.newestFirst(options);
    return;
  }
  const entries: ArchiveEntry[] = [];
  for await (const entry of archive.entries(options)) entries.push(entry);
  for (let entry = entries.pop(); entry !== undefined; entry = entries.pop()) yield entry;
}
