import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { KeyStream } from './key-stream.ts';
import { EPOCH, Prose } from './prose.ts';

// Data that is the same on every machine and in every run: of the same seed the same octets, names and times. The sums of what is
// made at full size are below, for whoever makes it by other means.

export const MIB = 1 << 20;

const SEED = 1;

/** SHA-256 of the workloads at full size; of a tree, of its names, kinds and contents. @see digestOf */
export const SUMS: Readonly<Record<string, string>> = {
  random: '92290c457b35c2fac8668343c3d9b1cc724152c03182b9c5e93cd0a2093328f8',
  text: '571791790febff63a424a0d96e3fd87d3d4142ef3a3f59fd61fa200b242a9696',
  tree: '25391723a896e31f8c161e78444c87698f2a01c41e3ecb4baee319a808acfc4b',
  'versions/v1': '9f41e16d7ae2e5097ba2b8c1f40f4ae38ffd623b05399f1eec5c0665f2ef73b1',
  'versions/v8': 'ddd9b822307963509790a2f277d2b86b80d0695314c4d1d7d57e530a3d976e22',
};

/** Octets of `text` that its sum is of; the benchmark takes the first half. */
export const FULL_TEXT_SIZE = 512 * MIB;

/** Incompressible octets. */
export function makeRandomFile(path: string, size: number, seed = SEED): void {
  const stream = new KeyStream(seed, 'random');
  const fd = openSync(path, 'w');
  for (let left = size; left > 0; left -= MIB) writeSync(fd, stream.read(Math.min(MIB, left)));
  closeSync(fd);
}

/** Half mail, half log lines. */
export function makeTextFile(path: string, size: number): void {
  const prose = new Prose(SEED);
  const fd = openSync(path, 'w');
  for (let at = 0; at < size; at += MIB) writeSync(fd, prose.mib(at / MIB).subarray(0, size - at));
  closeSync(fd);
}

/** The first of the versions of a file. */
export function makeFirstVersion(path: string, size: number): void {
  makeRandomFile(path, size, SEED + 100);
}

/**
 * Writes `to` as `from` with 64 inserts, deletes and overwrites of 1 octet to 4 KiB.
 *
 * @param round - other edits for another round
 * @param how.textual - new octets are text
 */
export function editFile(from: string, to: string, round: number, how: { readonly textual?: boolean } = {}): void {
  const stream = new KeyStream(SEED, 'edit', round);
  const fresh = how.textual === true ? new Prose(SEED).reader(`edit${round}`) : (size: number) => stream.read(size);
  const { size } = statSync(from);
  const places = Array.from({ length: 64 }, () => stream.below(size)).sort((a, b) => a - b);
  const source = openSync(from, 'r');
  const target = openSync(to, 'w');
  const buffer = Buffer.alloc(4 * MIB);
  const copy = (start: number, end: number): void => {
    for (let at = start; at < end; ) {
      const count = readSync(source, buffer, 0, Math.min(buffer.length, end - at), at);
      writeSync(target, buffer, 0, count);
      at += count;
    }
  };
  let done = 0;
  for (const place of places) {
    const at = Math.max(place, done);
    copy(done, at);
    const kind = stream.below(3);
    const count = stream.between(1, 4096);
    if (kind !== 1) writeSync(target, fresh(count));
    done = Math.min(size, at + (kind === 0 ? 0 : count));
  }
  copy(done, size);
  closeSync(source);
  closeSync(target);
}

/** 2^(i/64) in fixed point of 32 bits. */
const POWERS: readonly bigint[] = ((): bigint[] => {
  let root = 2n << 32n;
  for (let i = 0; i < 6; i++) root = squareRoot(root << 32n);
  const powers = [1n << 32n];
  for (let i = 1; i < 64; i++) powers.push(((powers[i - 1] ?? 0n) * root) >> 32n);
  return powers;
})();

function squareRoot(value: bigint): bigint {
  let guess = value;
  for (let next = (value + 1n) / 2n; next < guess; next = (guess + value / guess) / 2n) guess = next;
  return guess;
}

/** Log-normal sizes: a deviation of 2.2 octaves; the normal number is the sum of twelve even ones. */
function logNormal(stream: KeyStream, median: number, most: number): number {
  const normal = stream.u16s(12).reduce((sum, value) => sum + value, 0) - 6 * 65_536;
  const octaves64 = Math.floor((normal * 141) / 65_536);
  const whole = Math.floor(octaves64 / 64);
  const size = (BigInt(median) * (POWERS[octaves64 - whole * 64] ?? 0n)) >> 32n;
  return Math.min(most, Number(whole >= 0 ? size << BigInt(whole) : size >> BigInt(-whole)));
}

const TEXT_EXTENSIONS = ['.txt', '.c', '.h', '.md', '.log', ''] as const;
const BINARY_EXTENSIONS = ['.o', '.png', '.gz', '.dat'] as const;

/** Small files of log-normal sizes in folders, 2 % of them copies of others, with symlinks (2 %) and hard links (1 %). */
export function makeTree(root: string, files: number): void {
  const stream = new KeyStream(SEED, 'tree');
  const prose = new Prose(SEED);
  const text = prose.reader('tree');
  const folders = Math.max(1, Math.floor(files / 10));
  const paths = [''];
  const pathAt = (i: number): string => paths[i] ?? '';
  mkdirSync(root);
  for (let i = 1; i < folders; i++) {
    let parent: string;
    // Shallow places are favoured.
    do parent = pathAt(stream.below(Math.min(paths.length, 1 + stream.below(paths.length))));
    while (parent.split('/').length > 8);
    const path = `${parent}${prose.name(stream)}${i}/`;
    mkdirSync(join(root, path));
    paths.push(path);
  }
  const made: string[] = [];
  for (let i = 0; i < files; i++) {
    const kind = stream.below(100);
    const extensions = kind < 65 ? TEXT_EXTENSIONS : BINARY_EXTENSIONS;
    const stem = `${prose.name(stream)}${kind === 7 ? ' copy' : kind === 8 ? 'é' : ''}${i}`;
    const name = stem + (extensions[stream.below(extensions.length)] ?? '');
    const path = pathAt(stream.below(folders)) + name;
    const full = join(root, path);
    if (kind >= 98 && made.length > 0) copyFileSync(join(root, made[stream.below(made.length)] ?? ''), full);
    else {
      const size = stream.chance(1) ? 0 : logNormal(stream, 4500, 200 * 1024);
      writeFileSync(full, kind < 65 ? text(size) : stream.read(size));
    }
    chmodSync(full, stream.chance(5) ? 0o755 : 0o644);
    utimesSync(full, EPOCH, EPOCH + stream.below(10 ** 7));
    made.push(path);
  }
  for (let i = 0; i < Math.floor(files / 50); i++) {
    const path = pathAt(stream.below(folders));
    const target = made[stream.below(made.length)] ?? '';
    symlinkSync(i % 10 === 0 ? `missing${i}` : relative(path === '' ? '.' : path, target), join(root, path, `link${i}`));
    if (i % 2 === 1) linkSync(join(root, target), join(root, pathAt(stream.below(folders)), `hard${i}`));
  }
  for (const path of [...paths].reverse()) utimesSync(join(root, path), EPOCH, EPOCH + stream.below(10 ** 7));
}

/** Gives every regular file below the same mtime. @param seconds - since 1970 */
export function touchAll(root: string, seconds: number): void {
  for (const entry of readdirSync(root, { withFileTypes: true })) {
    const path = join(root, entry.name);
    if (entry.isDirectory()) touchAll(path, seconds);
    else if (entry.isFile()) utimesSync(path, seconds, seconds);
  }
}

/** Files of some 200 octets, a hundred in a folder. */
export function makeSmallFiles(root: string, count: number): void {
  const noise = new KeyStream(SEED, 'small files').read(MIB);
  mkdirSync(root, { recursive: true });
  let folder = root;
  for (let i = 0; i < count; i++) {
    if (i % 100 === 0) {
      folder = join(root, `folder-${i / 100}`);
      mkdirSync(folder);
    }
    const start = (i * 7919) % (MIB - 200);
    writeFileSync(join(folder, `file-${i}`), Buffer.concat([Buffer.from(`${i} `), noise.subarray(start, start + 200)]));
  }
}

/** SHA-256 in hex of a file, or of a tree: a line of kind, content's sum and path for each entry, sorted by octets. */
export function digestOf(path: string): string {
  const hash = createHash('sha256');
  if (!statSync(path).isDirectory()) {
    const fd = openSync(path, 'r');
    const buffer = Buffer.alloc(MIB);
    for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer)) hash.update(buffer.subarray(0, count));
    closeSync(fd);
    return hash.digest('hex');
  }
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => Buffer.from(name));
  for (const name of names.sort(Buffer.compare)) {
    const full = join(path, name.toString());
    const stat = lstatSync(full);
    const kind = stat.isSymbolicLink() ? 'l' : stat.isDirectory() ? 'd' : (stat.mode & 0o100) !== 0 ? 'x' : 'f';
    const body = kind === 'l' ? readlinkSync(full) : kind === 'd' ? '' : readFileSync(full);
    hash.update(`${kind} ${createHash('sha256').update(body).digest('hex')} ${name.toString()}\n`);
  }
  return hash.digest('hex');
}

/**
 * Makes every workload that has a sum, and compares.
 *
 * @param folder - which holds them for the time
 * @returns a line each
 */
export function checkSums(folder: string): string[] {
  const path = (name: string): string => join(folder, name);
  makeRandomFile(path('random'), 1024 * MIB);
  makeTextFile(path('text'), FULL_TEXT_SIZE);
  makeTree(path('tree'), 20_000);
  mkdirSync(path('versions'));
  makeFirstVersion(path('versions/v1'), 128 * MIB);
  for (let version = 2; version <= 8; version++) editFile(path(`versions/v${version - 1}`), path(`versions/v${version}`), version);
  return Object.entries(SUMS).map(([name, sum]) => `${name}: ${digestOf(path(name)) === sum ? 'as it should be' : 'DIFFERS'}`);
}
