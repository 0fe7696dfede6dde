import type { Octets } from '../../core/base/octets.ts';
import type { FilterWord, NameFilter } from '../../core/filter/name-filter.ts';
import type { CommandInput } from '../command.ts';
import type { OptionSpec } from '../words/option-spec.ts';
import { resolveLocalPath } from './local-path.ts';

/** Options that select names; their order matters. rsync(1) has them too. */
export const FILTER_OPTIONS: readonly OptionSpec[] = [
  { name: 'include', value: { name: 'PATTERN', kind: 'text' }, repeat: true, summary: 'take names that match, whatever later rules say' },
  { name: 'exclude', value: { name: 'PATTERN', kind: 'text' }, repeat: true, summary: 'leave out names that match, and all below them' },
  { name: 'filter', short: 'f', value: { name: 'RULE', kind: 'text' }, repeat: true, summary: 'a rule, as "- *.o" or "dir-merge .rules"' },
  { name: 'include-from', value: { name: 'FILE', kind: 'local' }, repeat: true, summary: 'as --include, for each line of a local file' },
  { name: 'exclude-from', value: { name: 'FILE', kind: 'local' }, repeat: true, summary: 'as --exclude, for each line of a local file' },
  {
    name: 'filter-files',
    short: 'F',
    repeat: true,
    summary: 'as --filter="dir-merge /.rsync-filter"; given twice, leave out these files too',
  },
];

/** The uses of the {@link FILTER_OPTIONS}, in order. */
export function filterWords({ repeated }: Pick<CommandInput, 'repeated'>): FilterWord[] {
  const words: FilterWord[] = [];
  let files = 0;
  for (const { name, value } of repeated) {
    switch (name) {
      case 'include':
      case 'exclude':
      case 'filter':
      case 'include-from':
      case 'exclude-from':
        if (value !== true) words.push({ kind: name, value });
        break;
      case 'filter-files':
        words.push({ kind: 'filter', value: (files++ === 0 ? 'dir-merge /.rsync-filter' : 'exclude .rsync-filter') as Octets });
    }
  }
  return words;
}

/**
 * The filter that words define.
 *
 * @param localCwd - where files with rules are searched
 * @param noPerDir - the reason for refusing rules in each Dir
 * @returns undefined for no rules
 * @throws {VtError} EUSAGE for an invalid rule, EFAILED for a file that cannot be read
 */
export async function nameFilterOf(words: readonly FilterWord[], localCwd: Octets, noPerDir?: string): Promise<NameFilter | undefined> {
  if (words.length === 0) return undefined;
  const [names, { readNamedRules }] = await Promise.all([
    import('../../core/filter/name-filter.ts'),
    import('../../core/filter/read-rules.ts'),
  ]);
  const filter = new names.NameFilter(words, { read: (path) => readNamedRules(resolveLocalPath(localCwd, path)), noPerDir });
  return filter.isEmpty ? undefined : filter;
}
