import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import type { Random } from '../../support/random.ts';

/** Names of which all trees are made: few, so that they collide. */
export const NAMES = ['a', 'b', 'c'] as const;

/** The number in the next file's content. */
let contents = 0;

/** Fills a directory with files, directories, symlinks of every sort, hard links and FIFOs. */
export function fillTree(folder: string, random: Random, depth = 0): void {
  for (const name of NAMES) {
    const path = `${folder}/${name}`;
    const kind = random.below(depth < 2 ? 12 : 9);
    if (kind < 3) {
      writeFileSync(path, `content ${++contents}\n`);
      chmodSync(path, random.pick([0o644, 0o600, 0o755]));
      utimesSync(path, 1e9 + contents, 1e9 + contents);
    } else if (kind < 5)
      symlinkSync(random.pick(depth === 0 ? [...NAMES, 'nowhere', '.', 'a/b'] : [...NAMES, 'nowhere', '..', '../a', '../b/']), path);
    else if (kind === 5) execFileSync('mkfifo', [path]);
    else if (kind === 6) {
      const other = readdirSync(folder).find((each) => lstatSync(`${folder}/${each}`).isFile());
      if (other !== undefined) linkSync(`${folder}/${other}`, path);
    } else if (kind > 8) {
      mkdirSync(path);
      fillTree(path, random, depth + 1);
      chmodSync(path, random.pick([0o755, 0o700, 0o750]));
    }
  }
}

/** All that is in a directory, a line each: what two trees that are the same have in common. */
export function describeTree(folder: string, below = '', links = new Map<bigint, string>()): string[] {
  return readdirSync(`${folder}/${below}`)
    .sort()
    .flatMap((name) => {
      const path = below === '' ? name : `${below}/${name}`;
      const full = `${folder}/${path}`;
      const stat = lstatSync(full, { bigint: true });
      const mode = (Number(stat.mode) & 0o7777).toString(8);
      if (stat.isDirectory()) return [`${path} dir ${mode}`, ...describeTree(folder, path, links)];
      const first = links.get(stat.ino);
      if (first !== undefined) return [`${path} link to ${first}`];
      links.set(stat.ino, path);
      if (stat.isSymbolicLink()) return [`${path} symlink ${readlinkSync(full)}`];
      if (stat.isFile()) return [`${path} file ${mode} ${stat.mtimeMs} ${readFileSync(full, 'utf8').trim()}`];
      return [`${path} fifo ${mode}`];
    });
}
