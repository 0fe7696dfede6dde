import { spawnSync } from 'node:child_process';
import { lstatSync, readdirSync } from 'node:fs';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsToBytes } from '../../../core/base/octets.ts';
import { pathBytes } from '../../../core/base/system/system-error.ts';
import type { DirFilter } from '../../../core/filter/dir-filter.ts';
import type { FilterWord } from '../../../core/filter/name-filter.ts';
import { NameFilter } from '../../../core/filter/name-filter.ts';
import { readNamedRules } from '../../../core/filter/read-rules.ts';

/** The paths below a folder that rsync would transfer under some rules, sorted; Dirs with a slash at their end. */
export function rsyncSelection(folder: string, words: readonly FilterWord[]): string[] | 'refused' {
  const rules = words.map(({ kind, value }) => `--${kind}=${octetsToBytes(value).toString('utf8')}`);
  const { status, stdout } = spawnSync('rsync', ['-rln', '--out-format=%n', ...rules, `${folder}/`, `${folder}-nowhere/`], {
    encoding: 'latin1',
  });
  if (status !== 0) return 'refused';
  return stdout
    .split('\n')
    .map((line) => line.replace(/ -> .*/, ''))
    .filter((line) => line !== '' && line !== './' && !line.startsWith('created '))
    .sort();
}

/** The same by the rules of the program. */
export function ownSelection(folder: string, words: readonly FilterWord[]): string[] | 'refused' {
  const selected: string[] = [];
  const walk = (path: string, filter: DirFilter): void => {
    for (const name of readdirSync(pathBytes(`${folder}/${path}` as Octets), 'latin1') as Octets[]) {
      const isDir = lstatSync(pathBytes(`${folder}/${path}${name}` as Octets)).isDirectory();
      if (filter.excludes(name, isDir)) continue;
      selected.push(`${path}${name}${isDir ? '/' : ''}`);
      if (isDir) walk(`${path}${name}/`, filter.enter(name));
    }
  };
  try {
    walk('', new NameFilter(words, { read: readNamedRules }).at(folder as Octets, readNamedRules));
  } catch {
    return 'refused';
  }
  return selected.sort();
}
