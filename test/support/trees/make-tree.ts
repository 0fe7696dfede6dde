import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { makeRandom, type Random } from '../random.ts';

/** A tree of everything that a Linux filesystem can hold; the same for the same seed. */
export interface TreeSpec {
  /** Regular files, without the extras. */
  readonly files: number;
  readonly seed: number;
  /** Hard links, symlinks, xattrs, ACLs, setgid folders, sparse files, odd names, owners. Default true. */
  readonly extras?: boolean;
}

/** Names that have broken programs; as octets, one char an octet. */
export const ODD_NAMES: readonly string[] = [
  '\x1b[31mred\x1b[0m',
  'new\nline',
  '\xff\xfe not utf-8',
  '-rf',
  '--help',
  ' leading and trailing ',
  'quote \' and " and \\',
  'glob * ? [a-z]',
  '$HOME `id` ; | & # > <',
  'tab\there',
  '~',
  'D{name:"x"}',
  'x-vt:',
  '@2020-01-01',
  '...',
  '\xc3\xa9 (composed)',
  'e\xcc\x81 (decomposed)',
  '\x01\x7f',
  'UPPER',
  'upper',
  'n'.repeat(255),
];

const POOL_SIZE = 4 << 20;
/** 2011-03-13T07:06:40Z: in the past, in seconds since 1970. */
const LONG_AGO = 1_300_000_000;
/** Seconds, a sum of powers of two: the fractions of a second that come of it are exact. */
const BETWEEN_TIMES = 1.015625;

/** Makes the tree in a folder, which must not exist. */
export function makeTree(folder: string, spec: TreeSpec): void {
  const random = makeRandom(spec.seed);
  const pool = random.bytes(POOL_SIZE);
  const folders = makeFolders(folder, spec, random);
  const files: string[] = [];
  for (let i = 0; i < spec.files; i++) {
    const path = `${random.pick(folders)}/${fileName(i, random)}`;
    writeFileSync(octets(path), content(random, pool), { mode: random.pick([0o644, 0o644, 0o600, 0o755, 0o4755, 0o444]) });
    files.push(path);
  }
  const extras = spec.extras ?? true;
  if (extras) addEntries(folder, folders, files, random);
  age(folder, LONG_AGO);
  if (extras) addAttributes(folder, folders, files, random);
}

/** A path of octets as the Buffer that the system takes. */
export function octets(path: string): Buffer {
  return Buffer.from(path, 'latin1');
}

function makeFolders(folder: string, spec: TreeSpec, random: Random): [string, ...string[]] {
  mkdirSync(octets(folder), { recursive: true });
  const folders: [string, ...string[]] = [folder];
  for (let i = 0; i < Math.ceil(spec.files / 20); i++) {
    const path = `${random.pick(folders)}/dir-${i}`;
    mkdirSync(octets(path));
    folders.push(path);
  }
  return folders;
}

function fileName(i: number, random: Random): string {
  return `${random.pick(['report', 'IMG', 'main', 'note', 'index'])}-${i}${random.pick(['.txt', '.jpg', '.ts', '', '.tar.gz'])}`;
}

/** Lognormal sizes: median 2 KiB, a few of megabytes; half of them text-like, some of long runs. */
function content(random: Random, pool: Buffer): Buffer {
  const size = Math.min(2 << 20, Math.floor(2048 * Math.exp(1.6 * random.normal())));
  const start = random.below(POOL_SIZE - size);
  const data = Buffer.from(pool.subarray(start, start + size));
  const style = random.below(10);
  if (style < 5) for (let i = 0; i < size; i++) data[i] = 0x61 + ((data[i] ?? 0) % 26);
  if (style === 9) data.fill(random.pick([0, 0, 0xff, 0x20]), size >> 2);
  return data;
}

/**
 * Gives every entry a time of its own in the past, from this second on, and gives back the next one: what is made anew
 * by a copy would else be of the same second as its source, and rsync leaves a folder's or symlink's time alone where
 * only the fraction of the second differs.
 */
function age(folder: string, from: number): number {
  let time = from;
  for (const entry of readdirSync(octets(folder), { withFileTypes: true, encoding: 'buffer' })) {
    const path = `${folder}/${entry.name.toString('latin1')}`;
    if (entry.isDirectory()) time = age(path, time);
    else lutimesSync(octets(path), time, time);
    time += BETWEEN_TIMES;
  }
  lutimesSync(octets(folder), time, time);
  return time + BETWEEN_TIMES;
}

const some = <T>(from: readonly T[], count: number, random: Random): T[] =>
  Array.from({ length: Math.min(count, from.length) }, () => from[random.below(from.length)] as T);

const onePercent = (files: readonly string[]): number => Math.max(4, Math.floor(files.length / 100));

function addEntries(folder: string, folders: readonly [string, ...string[]], files: readonly string[], random: Random): void {
  const one = onePercent(files);
  for (const [i, path] of some(files, one, random).entries()) linkSync(octets(path), octets(`${random.pick(folders)}/hard-${i}`));
  for (const [i, path] of some(files, 2 * one, random).entries()) {
    const target = random.pick([path, '../somewhere/else', 'dangling', '/etc/passwd', '\xff\xfe', 'a\nb', 'x'.repeat(1000)]);
    symlinkSync(octets(target), octets(`${random.pick(folders)}/sym-${i}`));
  }

  const odd = `${folder}/odd`;
  mkdirSync(octets(odd));
  for (const name of ODD_NAMES) {
    writeFileSync(octets(`${odd}/${name}`), name);
    mkdirSync(octets(`${odd}/dir ${name.slice(0, 200)}`));
    writeFileSync(octets(`${odd}/dir ${name.slice(0, 200)}/${name}`), name);
  }
  for (const [i, name] of ['hole at the start', 'hole at the end', 'hole between', 'hole only'].entries())
    makeSparse(`${odd}/${name}`, i, random);
  execFileSync('mkfifo', ['-m', '0640', `${odd}/fifo`]);
}

function addAttributes(folder: string, folders: readonly string[], files: readonly string[], random: Random): void {
  const one = onePercent(files);
  const odd = `${folder}/odd`;
  // What needs a program of the system goes to it in one call each. The lists hold plain names only.
  execFileSync('setfattr', ['--restore=-'], {
    input: some(files, one, random)
      .map((path) => xattrDump(path, random))
      .join('\n'),
  });
  execFileSync('setfacl', ['-m', 'u:1234:r--,g:4321:rwx', ...some(files, 5, random)]);
  execFileSync('setfacl', ['-d', '-m', 'u:1234:rwx', ...some(folders, 3, random)]);
  execFileSync('touch', ['-d', '1962-10-27T09:59:59.123456789Z', ...some(files, one, random)]);
  execFileSync('touch', ['-d', '2038-01-19T03:14:08.999999999Z', ...some(folders, 5, random)]);
  execFileSync('touch', ['-h', '-d', '1999-12-31T23:59:59.000000001Z', `${odd}/fifo`]);

  if (process.getuid?.() === 0) {
    for (const path of some(files, one, random))
      chownSync(octets(path), random.pick([0, 1000, 65534, 123456]), random.pick([0, 100, 4242]));
  }
  // After chown, which clears setuid and setgid.
  for (const path of some(folders, 10, random)) chmodSync(octets(path), random.pick([0o2775, 0o1777, 0o700, 0o3771]));
  for (const path of some(files, 10, random)) chmodSync(octets(path), random.pick([0o6755, 0o2711, 0o400, 0o1644]));
}

function makeSparse(path: string, kind: number, random: Random): void {
  const fd = openSync(octets(path), 'w');
  ftruncateSync(fd, 3 << 20);
  const data = random.bytes(100_000);
  if (kind === 0) writeSync(fd, data, 0, data.length, (3 << 20) - data.length);
  if (kind === 1) writeSync(fd, data, 0, data.length, 0);
  if (kind === 2) {
    writeSync(fd, data, 0, data.length, 0);
    writeSync(fd, data, 0, data.length, (3 << 20) - data.length);
  }
  closeSync(fd);
}

function xattrDump(path: string, random: Random): string {
  const value = random.bytes(random.below(60)).toString('base64');
  return `# file: ${path}\nuser.binary=0s${value}\nuser.text="a comment"\nuser.empty=""\n`;
}
