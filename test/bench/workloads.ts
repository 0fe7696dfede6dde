import { execFileSync } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { makeRandom, type Random } from '../support/random.ts';

// Workloads that are the same on every machine and in every run. Sizes are those of a first backup of a small project,
// of one large file that nothing compresses, of a file that changes a little each time, and of text.

const MIB = 1 << 20;

/** A source to be stored: fills the folder `live`, and may change it for later rounds of storing. */
export interface Workload {
  readonly name: string;
  readonly says: string;
  /** @param scale - 1, or a fraction of the full size */
  readonly make: (live: string, scale: number) => void;
  /** Makes the next version in place of the last; false when there is none. */
  readonly next?: (live: string, scale: number, version: number) => boolean;
  /** Arguments of a `gen.py` that makes the same kind. */
  readonly generator: (live: string, scale: number) => readonly string[];
}

/** Incompressible bytes: an AES-128-CTR key stream named by its label. */
function writeKeyStream(path: string, size: number, label: string): void {
  const key = createHash('sha256').update(label).digest();
  const cipher = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16));
  const zeros = Buffer.alloc(MIB);
  const fd = openSync(path, 'w');
  for (let left = size; left > 0; left -= MIB) writeSync(fd, cipher.update(zeros.subarray(0, Math.min(MIB, left))));
  closeSync(fd);
}

/** Words of a made-up language, the frequent ones short, in lines. */
function text(random: Random, size: number): Buffer {
  const syllables = ['ba', 'de', 'ko', 'lu', 'mi', 'na', 'pe', 'ro', 'sta', 'tri', 'wen', 'cha'] as const;
  const words = Array.from({ length: 4096 }, (_, rank) =>
    Array.from({ length: 1 + Math.floor(Math.log2(2 + rank) / 4) + random.below(2) }, () => random.pick(syllables)).join(''),
  );
  const parts: string[] = [];
  for (let length = 0; length < size; ) {
    const word = `${words[Math.floor(4096 ** (random.below(1 << 16) / (1 << 16))) - 1] ?? ''}${random.below(10) === 0 ? '\n' : ' '}`;
    parts.push(word);
    length += word.length;
  }
  return Buffer.from(parts.join('').slice(0, size));
}

function makeTree(live: string, scale: number): void {
  const random = makeRandom(1);
  const files = Math.max(100, Math.round(20_000 * scale));
  const noise = random.bytes(8 * MIB);
  const prose = text(random, 8 * MIB);
  const folders: [string, ...string[]] = [live];
  mkdirSync(live, { recursive: true });
  for (let i = 1; i < files / 16; i++) {
    const parent = folders[random.below(1 + random.below(folders.length))] ?? live;
    folders.push(join(parent, `folder-${i}`));
    mkdirSync(join(parent, `folder-${i}`));
  }
  const made: string[] = [];
  for (let i = 0; i < files; i++) {
    const path = join(random.pick(folders), `file-${i}${random.pick(['.txt', '.c', '.md', '.png', '.o'])}`);
    const original = made[random.below(Math.max(1, made.length))];
    if (original !== undefined && random.below(50) === 0) copyFileSync(original, path);
    else {
      // Lognormal: median 4,500 octets, a deviation of 2.2 octaves, at most 200 KiB; two thirds of it text.
      const size = Math.min(200 * 1024, Math.floor(4500 * 2 ** (2.2 * random.normal())));
      const pool = random.below(100) < 65 ? prose : noise;
      const start = random.below(pool.length - size);
      writeFileSync(path, pool.subarray(start, start + size));
    }
    utimesSync(path, 1_600_000_000, 1_600_000_000 + random.below(10_000_000));
    made.push(path);
  }
  for (let i = 0; i < files / 50; i++) {
    const target = made[random.below(made.length)] ?? live;
    symlinkSync(i % 10 === 0 ? `missing-${i}` : target, join(random.pick(folders), `symlink-${i}`));
    if (i % 2 === 0) linkSync(target, join(random.pick(folders), `hard-${i}`));
  }
}

/** 64 inserts, deletes and overwrites of 1 octet to 4 KiB, anywhere. */
function editFile(path: string, version: number): void {
  const random = makeRandom(1000 + version);
  const data = readFileSync(path);
  const places = Array.from({ length: 64 }, () => random.below(data.length)).sort((a, b) => a - b);
  const parts: Buffer[] = [];
  let from = 0;
  for (const at of places) {
    if (at < from) continue;
    parts.push(data.subarray(from, at));
    const size = 1 + random.below(4096);
    const kind = random.below(3);
    if (kind !== 1) parts.push(random.bytes(size));
    from = kind === 0 ? at : Math.min(data.length, at + size);
  }
  parts.push(data.subarray(from));
  writeFileSync(path, Buffer.concat(parts));
}

const VERSIONS = 8;

export const WORKLOADS: readonly Workload[] = [
  {
    name: 'tree',
    says: '20,000 small files, lognormal sizes, 2 % symlinks, 1 % hard links',
    make: makeTree,
    generator: (live, scale) => ['tree', live, '--files', String(Math.max(100, Math.round(20_000 * scale)))],
  },
  {
    name: 'random',
    says: '1 GiB that nothing compresses',
    make: (live, scale) => {
      mkdirSync(live, { recursive: true });
      writeKeyStream(join(live, 'random'), Math.round(1024 * scale) * MIB, 'random');
    },
    generator: (live, scale) => ['random', join(live, 'random'), '--size', `${Math.round(1024 * scale)}M`],
  },
  {
    name: 'versions',
    says: `${VERSIONS} versions of a file of 128 MiB, each with 64 small edits`,
    make: (live, scale) => {
      mkdirSync(live, { recursive: true });
      writeKeyStream(join(live, 'file'), Math.max(1, Math.round(128 * scale)) * MIB, 'versions');
    },
    next: (live, _scale, version) => {
      if (version > VERSIONS) return false;
      editFile(join(live, 'file'), version);
      return true;
    },
    generator: (live, scale) => ['random', join(live, 'file'), '--size', `${Math.max(1, Math.round(128 * scale))}M`],
  },
  {
    name: 'text',
    says: '256 MiB of text',
    make: (live, scale) => {
      mkdirSync(live, { recursive: true });
      const fd = openSync(join(live, 'text'), 'w');
      for (let i = 0; i < Math.max(1, Math.round(64 * scale)); i++) writeSync(fd, text(makeRandom(i), 4 * MIB));
      closeSync(fd);
    },
    generator: (live, scale) => ['text', join(live, 'text'), '--size', `${Math.max(4, Math.round(256 * scale))}M`],
  },
];

/** Makes a workload by a `gen.py` that lies in `folder`. */
export function makeByGenerator(workload: Workload, folder: string, live: string, scale: number): void {
  if (workload.name !== 'tree') mkdirSync(live, { recursive: true });
  execFileSync('python3', [join(folder, 'gen.py'), ...workload.generator(live, scale)], { stdio: ['ignore', 'ignore', 'inherit'] });
}
