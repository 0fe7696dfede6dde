import { lstatSync, readdirSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../support/random.ts';
import { NAMES } from './local-tree-state.ts';

/** A command of a script, for vtftp and for the programs that it is measured by. */
export interface OracleCommand {
  /** As vtftp takes it. */
  readonly ours: string;
  /** The same for sh, or undefined where vtftp is to refuse: a difference that vtftp(1) documents. */
  readonly theirs: string | undefined;
}

/** The two trees of the oracle: local files, and what stands for the stored ones. */
export interface Worlds {
  readonly local: string;
  readonly stored: string;
}

/** Makes a command that may do something, as things stand in the oracle's trees. */
export function makeCommand(random: Random, worlds: Worlds): OracleCommand {
  return random.pick([put, put, get, get, move, copy, link, remove])(random, worlds);
}

/** A path of one to three elements. */
function plain(random: Random): string {
  return Array.from({ length: 1 + random.below(3) }, () => random.pick(NAMES)).join('/');
}

/** A path as people type it: with dots and slashes in all places. */
function spelt(random: Random): string {
  const elements = plain(random).split('/');
  const dotted = elements.flatMap((element) => (random.chance(12) ? [random.pick(['.', '..', 'a/..']), element] : [element]));
  return dotted.join(random.chance(5) ? '//' : '/') + (random.chance(20) ? random.pick(['/', '/.', '/']) : '');
}

/** A local path that does not lead out of the tree. */
function localPath(random: Random, { local }: Worlds): string {
  for (;;) {
    const word = spelt(random);
    const prefixes = word.split('/').map((_, i, all) => `${local}/${all.slice(0, i + 1).join('/')}`);
    if (prefixes.every((path) => isWithin(local, path))) return word;
  }
}

/** Whether a symlink in a tree leads out of it: the stored tree ends at its root, the oracle's does not. */
export function leadsOut(folder: string): boolean {
  return readdirSync(folder, { withFileTypes: true, recursive: true }).some((entry) => {
    if (!entry.isSymbolicLink()) return false;
    let path = entry.parentPath;
    for (const element of readlinkSync(join(entry.parentPath, entry.name)).split('/')) {
      path = real(`${path}/${element}`);
      if (!isWithin(folder, path)) return true;
    }
    return false;
  });
}

/** A stored path: `.` and `..` go by spelling, as vtftp(1) documents, so the oracle gets it without them. */
function storedPath(random: Random, worlds: Worlds): { readonly word: string; readonly path: string } {
  const word = random.chance(70) ? plain(random) : spelt(random).replace(/\/\.$/, '');
  const elements: string[] = [];
  for (const element of word.split('/')) {
    if (element === '..') elements.pop();
    else if (element !== '.' && element !== '') elements.push(element);
  }
  if (elements.length === 0) return { word: 'a', path: `${worlds.stored}/a` };
  return { word, path: `${worlds.stored}/${elements.join('/')}${word.endsWith('/') ? '/' : ''}` };
}

function put(random: Random, worlds: Worlds): OracleCommand {
  const sources = Array.from({ length: random.chance(75) ? 1 : 2 }, () => localPath(random, worlds));
  const { word, path } = storedPath(random, worlds);
  const intoDir = sources.length > 1 || path.endsWith('/');
  const name = sources.length > 1 && !word.endsWith('/') ? `${word}/` : word;
  const folder = path.replace(/\/$/, '');
  const ours = `put ${sources.join(' ')} ${name}`;
  const targets = sources.map((source) => `${folder}/${ownName(worlds.local, source)}`);
  // One entry by two words is named twice.
  if (new Set(sources.map((source) => named(`${worlds.local}/${source}`))).size < new Set(sources).size)
    return { ours: 'pwd', theirs: 'true' };
  if (isDir(folder) && new Set(targets.map(bare)).size < targets.length && new Set(sources.map(bare)).size === sources.length) {
    return { ours, theirs: undefined };
  }
  // What replaces a symlink on the path to what comes next changes that path.
  if (sources.length > 1 && targets.some(isLinkToDir)) return { ours: 'pwd', theirs: 'true' };
  const steps = sources.map((source, i) => {
    const from = `${worlds.local}/${source}`;
    if (!isDirWord(from)) return copyFile(from, intoDir ? `${folder}/` : folder, intoDir || isDir(folder) ? (targets[i] ?? '') : '');
    const named = intoDir && (isDir(folder) || sources.length > 1) ? (targets[i] ?? '') : folder;
    const to = place(named);
    const mirror = random.chance(25) ? `rsync -aH --delete '${from}/' '${to}/'` : `{ rm -rf '${to}'; cp -aT '${from}/.' '${to}'; }`;
    return `[ -d '${parent(to)}' ] && { [ ! -e '${to}' -a ! -L '${to}' ] || [ -d '${to}' -a ! -L '${to}' ]; } && ${mirror}`;
  });
  return { ours, theirs: all(steps, sources.length > 1 ? `[ -d '${folder}' ]` : 'true') };
}

function get(random: Random, worlds: Worlds): OracleCommand {
  const { word, path } = storedPath(random, worlds);
  const isContents = random.chance(15) && isDir(path);
  const source = isContents ? `${word.replace(/\/+$/, '')}/.` : word;
  const local = localPath(random, worlds);
  const to = `${worlds.local}/${local}`;
  const ours = `get ${source} ${local}`;
  const isSource = isContents || (path.endsWith('/') ? isDir(path) : lstat(path)?.isDirectory() === true);
  const final = isDir(to) && !isContents ? `${to}/${base(path)}` : to;
  if (!isSource && lstat(final) !== undefined && isSpecial(final) && !(lstat(final)?.isFIFO() === true && lstat(path)?.isFIFO() === true))
    return { ours, theirs: undefined };
  // cp refuses inside a tree, too, what the manual says that get does: a file takes the place of a symlink to a directory.
  if (isSource && isDir(to) && clashesBelow(path, isContents ? to : final)) return { ours: 'pwd', theirs: 'true' };
  if (!isContents)
    return { ours, theirs: isSource ? `cp -a --remove-destination '${path}' '${to}'` : copyFile(path, to, isDir(to) ? final : '') };
  const top = isDir(to)
    ? `m=$(stat -Lc %a '${to}') && { cp -a --remove-destination '${path}/.' '${to}'; s=$?; chmod $m '${real(to)}'; (exit $s); }`
    : '';
  return { ours, theirs: top === '' ? `cp -a '${path}/.' '${to}'` : top };
}

function move(random: Random, worlds: Worlds): OracleCommand {
  return intoPlace('mv', 'mv', random, worlds);
}

function copy(random: Random, worlds: Worlds): OracleCommand {
  return intoPlace('cp', 'cp -a --remove-destination', random, worlds);
}

function intoPlace(verb: 'mv' | 'cp', theirs: string, random: Random, worlds: Worlds): OracleCommand {
  const sources = Array.from({ length: random.chance(75) ? 1 : 2 }, () => storedPath(random, worlds));
  const to = storedPath(random, worlds);
  const ours = `${verb} ${sources.map(({ word }) => word).join(' ')} ${to.word}`;
  const intoDir = isDir(to.path);
  const targets = sources.map(({ path }) => (intoDir ? `${bare(to.path)}/${base(path)}` : bare(to.path)));
  // A slash after what is no directory fails by itself.
  const there = sources.flatMap(({ path }, i) => (path.endsWith('/') && !isDir(path) ? [] : [{ path: bare(path), target: targets[i] }]));
  const collides =
    new Set(there.map(({ target }) => target)).size < there.length && new Set(there.map(({ path }) => path)).size === there.length;
  if (intoDir && collides) return { ours, theirs: undefined };
  for (const [i, { path }] of sources.entries()) {
    const target = targets[i] ?? '';
    if (verb === 'cp' && lstat(path) !== undefined && lstat(path)?.ino === lstat(target)?.ino)
      return sources.length === 1 ? { ours, theirs: undefined } : { ours: 'pwd', theirs: 'true' };
    if (!isDirWord(path)) continue;
    // cp(1) merges Dirs, and copies a part of a Dir that is to go into itself.
    if (verb === 'cp' && ((lstat(target)?.isDirectory() === true && readdirSync(target).length > 0) || isWithin(path, parent(target)))) {
      if (sources.length === 1) return { ours, theirs: undefined };
      return { ours: 'pwd', theirs: 'true' };
    }
  }
  if (sources.length > 1 && !intoDir) return { ours, theirs: 'false' };
  if (sources.length > 1 && targets.some(isLinkToDir)) return { ours: 'pwd', theirs: 'true' };
  const once = [...new Set(sources.map(({ path }) => path))];
  const step = (path: string): string =>
    verb === 'cp' && intoDir && !isDirWord(path)
      ? copyFile(path, to.path, `${bare(to.path)}/${base(path)}`)
      : `${theirs} '${path}' '${sources.length > 1 ? real(to.path) : to.path}'`;
  return { ours, theirs: all(once.map(step)) };
}

/**
 * The line that copies a file, symlink or FIFO. A symlink to a directory that has the name in a directory is replaced, as
 * rsync does; cp refuses that.
 *
 * @param inside - where it goes inside a directory: the path there
 */
function copyFile(from: string, to: string, inside: string): string {
  const isReplaced = inside !== '' && lstat(inside)?.isSymbolicLink() === true && isDir(inside) && lstat(from) !== undefined;
  const at = place(inside);
  return isReplaced && at !== place(from)
    ? `{ cp -aT '${from}' '${at}.new' && rm '${at}' && mv -T '${at}.new' '${at}'; }`
    : `cp -a --remove-destination '${from}' '${to}'`;
}

function link(random: Random, worlds: Worlds): OracleCommand {
  const from = storedPath(random, worlds);
  const to = storedPath(random, worlds);
  const force = random.chance(30) ? ' -f' : '';
  if (random.chance(50)) {
    const text = random.pick([...NAMES, 'nowhere', 'a/b']);
    return { ours: `ln -s${force} ${text} ${to.word}`, theirs: `ln -s${force} ${text} '${to.path}'` };
  }
  const ours = `ln${force} ${from.word} ${to.word}`;
  const final = isDir(to.path) ? `${bare(to.path)}/${base(from.path)}` : to.path;
  // One name by two paths: ln(1) sees that only where no symlink is in them.
  if (place(from.path) === place(final)) return { ours, theirs: undefined };
  return { ours, theirs: `ln${force} '${from.path}' '${to.path}'` };
}

function remove(random: Random, worlds: Worlds): OracleCommand {
  const { word, path } = storedPath(random, worlds);
  const flags = random.pick(['', ' -r', ' -f', ' -rf']);
  // rm(1) then removes what is in the directory, and not the symlink.
  if (path.endsWith('/') && isDir(path) && lstat(bare(path))?.isSymbolicLink() === true)
    return { ours: `rm${flags} ${word}`, theirs: undefined };
  return { ours: `rm${flags} ${word}`, theirs: `rm${flags} '${path}'` };
}

/** Runs each, and fails if one did. */
function all(steps: readonly string[], first = 'true'): string {
  return `${first} && { s=0; ${steps.map((step) => `{ ${step}; } || s=1`).join('; ')}; (exit $s); }`;
}

function lstat(path: string): ReturnType<typeof lstatSync> | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

function isDir(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Whether a word names a directory itself; a symlink to one does so with a slash after it. */
function isDirWord(path: string): boolean {
  return lstat(path)?.isDirectory() === true;
}

/** Whether a tree has something that is no directory where another has a symlink to one. */
function clashesBelow(from: string, to: string): boolean {
  return readdirSync(from, { withFileTypes: true, recursive: true }).some((entry) => {
    const path = join(entry.parentPath, entry.name).slice(from.replace(/\/$/, '').length);
    return !entry.isDirectory() && isLinkToDir(`${to}${path}`);
  });
}

function isLinkToDir(path: string): boolean {
  return isDir(path) && lstat(path)?.isSymbolicLink() === true;
}

function isSpecial(path: string): boolean {
  try {
    return statSync(path).isFIFO();
  } catch {
    return false;
  }
}

/** The name that a local word goes by. */
function ownName(local: string, word: string): string {
  const typed = base(word);
  if (typed !== '.' && typed !== '..') return typed;
  const path = real(`${local}/${word}`).replace(/[/.]+$/, '');
  // The two trees are in folders of different names.
  return path === real(local) ? 'local' : base(path);
}

/** A name together with the directory that it stands in, whatever path leads there. */
function place(path: string): string {
  return `${real(parent(path))}/${base(path)}`;
}

function real(path: string): string {
  try {
    // The other form takes `..` by spelling.
    return realpathSync.native(path);
  } catch {
    return path;
  }
}

/** What a path leads to; where that is nothing, or a slash comes after no directory, the name itself. */
function named(path: string): string {
  const led = real(path);
  return led === path ? place(bare(path)) : led;
}

function isWithin(folder: string, path: string): boolean {
  return `${real(path)}/`.startsWith(`${real(folder)}/`);
}

function bare(path: string): string {
  return path.replace(/(?<=[^/])\/+$/, '');
}

function base(path: string): string {
  return bare(path).replace(/^.*\//s, '');
}

function parent(path: string): string {
  return bare(path).replace(/\/[^/]*$/, '');
}
