import { appendFileSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../support/random.ts';

/** What lines of a random session are made of. */
export interface LineSource {
  readonly random: Random;
  /** A folder with `tree`, `log`, `peer`, `other` and room for what is got. */
  readonly folder: string;
  /** Dirrefs that were recited. */
  readonly dirrefs: readonly string[];
}

const DIRS = ['a', 'b', 'c'] as const;
const LEAVES = ['f', 'g', 'h'] as const;

/** A path in the tree: few names, so that commands meet each other. */
function path({ random }: LineSource, leaf = random.chance(50)): string {
  const dirs = Array.from({ length: random.below(leaf ? 3 : 2) }, () => random.pick(DIRS));
  return `/${[...dirs, leaf ? random.pick(LEAVES) : random.pick(DIRS)].join('/')}`;
}

const dir = (source: LineSource): string => path(source, false);
const leaf = (source: LineSource): string => path(source, true);
const local = ({ folder }: LineSource, name: string): string => `'${join(folder, name)}'`;
const out = (source: LineSource): string => local(source, `out/${source.random.below(1e9)}`);
const plan = ({ random }: LineSource): string => (random.chance(40) ? '-n ' : '');
const maybe = (source: LineSource, text: string): string => (source.random.chance(50) ? text : '');

type Line = (source: LineSource) => string;

/** A line of each command, by its name: those that read as well as those that change. */
export const LINES: Readonly<Record<string, Line>> = {
  pwd: () => 'pwd',
  cd: (s) => s.random.pick([`cd ${dir(s)}`, 'cd /', 'cd -', 'cd @1', 'cd @-1', 'cd @', 'cd ..']),
  lpwd: () => 'lpwd',
  bookmark: (s) => s.random.pick(['bookmark', 'bookmark here', 'bookmark -d here']),
  ls: (s) => s.random.pick([`ls ${path(s)}`, 'ls -lR /', 'ls']),
  tree: () => 'tree /',
  find: () => 'find /',
  conflicts: () => 'conflicts',
  du: () => 'du',
  df: () => 'df',
  locate: () => 'locate a',
  stat: (s) => `stat ${path(s)}`,
  inspect: (s) => `inspect ${s.random.pick(['/', path(s)])}`,
  cat: (s) => `cat ${leaf(s)}`,
  head: (s) => `head ${leaf(s)}`,
  tail: (s) => `tail ${leaf(s)}`,
  get: (s) => `get ${s.random.pick(['/', path(s)])} ${out(s)}`,
  put: (s) => `put ${maybe(s, '--merge ')}${plan(s)}${local(s, s.random.pick(['tree', 'tree/d', 'log']))} ${path(s)}`,
  follow: (s) => `follow ${local(s, 'log')} ${leaf(s)}`,
  watch: (s) => `watch ${local(s, 'tree')} ${dir(s)}`,
  tails: () => 'tails',
  untail: (s) => `untail ${path(s)}`,
  bind: (s) => `bind ${s.random.pick([path(s), dir(s), '/'])} ${dirref(s)}`,
  join: (s) => `join ${plan(s)}${s.random.pick([local(s, 'other'), dirref(s)])} ${path(s)}`,
  merge: (s) =>
    `merge ${plan(s)}${s.random.pick(['', '--conflict=ours ', '--conflict=theirs ', '--conflict=both '])}${s.random.pick([local(s, 'other'), dirref(s)])} ${s.random.pick(['/', dir(s)])}`,
  pull: (s) => `pull ${s.random.chance(50) ? '-b ' : ''}${plan(s)}-p ${local(s, 'peer')} ${maybe(s, path(s))}`,
  push: (s) => `push ${s.random.chance(50) ? '-b ' : ''}${plan(s)}-p ${local(s, 'peer')} ${maybe(s, path(s))}`,
  mkdir: (s) => `mkdir -p ${dir(s)}`,
  rmdir: (s) => `rmdir ${dir(s)}`,
  rm: (s) => `rm -r ${path(s)}`,
  mv: (s) => `mv ${path(s)} ${path(s)}`,
  cp: (s) => `cp ${path(s)} ${path(s)}`,
  ln: (s) => `ln ${maybe(s, '-s ')}${path(s)} ${path(s)}`,
  chmod: (s) => `chmod ${s.random.pick(['640', '755', 'a+x', 'u-w'])} ${path(s)}`,
  chown: (s) => `chown ${s.random.below(3)}:${s.random.below(3)} ${path(s)}`,
  touch: (s) => `touch ${leaf(s)}`,
  open: (s) => `open ${s.random.pick([local(s, 'store'), dirref(s)])}`,
  sync: () => 'sync',
  undo: (s) => `undo ${s.random.pick(['', '', '2', '@1', `@${1 + s.random.below(9)}`])}`,
  redo: (s) => `redo ${maybe(s, '2')}`,
  log: (s) => `log ${maybe(s, path(s))}`,
  restore: (s) => `restore ${path(s)}`,
  diff: (s) => `diff ${s.random.pick(['', '@-2', `@-2 ${path(s)}`, `${path(s)} ${path(s)}`])}`,
  cmp: (s) => `cmp ${leaf(s)} ${leaf(s)}`,
  tag: (s) => `tag ${maybe(s, '-d ')}t${s.random.below(3)}`,
  protect: () => 'protect',
  unprotect: () => 'unprotect',
  // What it lets go of, undo @N would look for.
  forget: (s) => `forget -n -l ${1 + s.random.below(3)}`,
  ar: (s) => `ar ${out(s)} ${path(s)}`,
  mounts: () => 'mounts',
  stores: () => 'stores',
  archives: () => 'archives',
  publish: (s) => `publish ${path(s)}`,
  status: () => 'status',
  doctor: () => 'doctor',
  flush: () => 'flush',
  peer: (s) => `peer ${maybe(s, `far ${local(s, 'peer')}`)}`,
  fsck: () => 'fsck',
  scrub: () => 'scrub',
  repair: () => 'repair',
  transition: (s) => `transition ${plan(s)}sha256 ${local(s, 'other')}`,
  gc: (s) => `gc ${plan(s)}--grace 0 --rootless`,
  '!': () => '!true',
  lcd: (s) => `lcd ${local(s, '.')}`,
  lmkdir: (s) => `lmkdir ${out(s)}`,
  blockify: (s) => `blockify ${local(s, 'log')}`,
  help: () => 'help undo',
  history: () => 'history',
  set: () => 'set',
  timing: () => 'timing on; timing off',
  config: () => 'config',
  'sealed-key': (s) => `sealed-key --new ${out(s)}`,
  alias: () => 'alias',
  unalias: () => 'alias u=ls; unalias u',
  jobs: () => 'jobs',
  version: () => 'version',
};

/** Commands that no line is made of. */
export const WITHOUT_LINES: Readonly<Record<string, string>> = {
  quit: 'ends the session: every sequence ends so, or without a word',
  clear: 'needs a terminal',
  less: 'needs a terminal',
  serve: 'goes on until it is ended',
  httpd: 'goes on until it is ended',
  wait: 'goes on until it is ended',
  kill: 'ends a job, and these lines start none',
  share: 'reads a file of rights, and prints a link',
  source: 'runs lines as these',
  lls: 'is the local ls, which prints',
  mount: 'starts a process: the mounts of this torture are made once for many sequences',
  umount: 'ends that process',
};

function dirref({ random, dirrefs }: LineSource): string {
  return dirrefs[random.below(dirrefs.length)] ?? 'D{block:LB{}}';
}

/** Commands that change the tree or what is recorded are asked for more often. */
const WEIGHTY = [
  'put',
  'mkdir',
  'rm',
  'mv',
  'cp',
  'ln',
  'chmod',
  'touch',
  'undo',
  'redo',
  'sync',
  'inspect',
  'push',
  'get',
  'merge',
] as const;
const NAMES = Object.keys(LINES);

/** One random line. */
export function randomLine(source: LineSource): string {
  const { random } = source;
  const name = random.chance(50) ? random.pick(WEIGHTY) : (NAMES[random.below(NAMES.length)] ?? 'sync');
  return (LINES[name] ?? LINES['sync'] ?? (() => 'sync'))(source);
}

/** Makes the local files that lines are about. */
export function makeLocalFiles(folder: string): void {
  mkdirSync(join(folder, 'tree/d'), { recursive: true });
  mkdirSync(join(folder, 'out'), { recursive: true });
  writeFileSync(join(folder, 'tree/f'), 'one');
  writeFileSync(join(folder, 'tree/d/g'), 'two');
  linkSync(join(folder, 'tree/f'), join(folder, 'tree/d/f'));
  symlinkSync('d/g', join(folder, 'tree/s'));
  writeFileSync(join(folder, 'log'), 'first line\n');
}

/** Changes the local files a little. */
export function changeLocalFiles({ random, folder }: LineSource): void {
  writeFileSync(join(folder, `tree/d/${random.pick(LEAVES)}`), random.bytes(1 + random.below(20_000)));
  if (random.chance(30)) rmSync(join(folder, `tree/d/${random.pick(LEAVES)}`), { force: true });
  appendFileSync(join(folder, 'log'), `line ${random.below(1e9)}\n`);
}
