import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { recited, run, vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';

/** A small Store that the tortures begin with, and what was put into it. */
export interface SmallStore {
  /** A folder that nobody writes to: copies are worked on. */
  readonly store: string;
  /** A tree that was put as `tree`. */
  readonly source: string;
  /** The tree changed in part. */
  readonly changed: string;
  /** Dirrefs in the Store's archive. */
  readonly recited: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Makes the Store: two recorded roots, and as much again that no root needs. Half of the files compress; the Store compresses by an odd seed.
 *
 * @param scale - of the files' sizes and number; 1 is half a megabyte
 */
export async function makeSmallStore(folder: string, seed: number, scale = 1): Promise<SmallStore> {
  const size = (octets: number): number => Math.ceil(octets * scale);
  const random = makeRandom(seed);
  const env = {
    HOME: folder,
    XDG_DATA_HOME: join(folder, 'data'),
    XDG_CONFIG_HOME: join(folder, 'config'),
    XDG_STATE_HOME: join(folder, 'state'),
    XDG_CACHE_HOME: join(folder, 'cache'),
    XDG_RUNTIME_DIR: folder,
  };
  const source = join(folder, 'source');
  const changed = join(folder, 'changed');
  for (let i = 0; i < Math.max(8, size(30)); i++) {
    mkdirSync(join(source, `dir-${i % 4}`), { recursive: true });
    writeFileSync(join(source, `dir-${i % 4}`, `file-${i}`), content(i, random.bytes(random.below(size(9000)))));
  }
  writeFileSync(join(source, 'large'), random.bytes(size(150_000)));
  cpSync(source, changed, { recursive: true, preserveTimestamps: true });
  for (let i = 0; i < 8; i++) writeFileSync(join(changed, 'dir-1', `new-${i}`), content(i, random.bytes(random.below(size(20_000)))));
  writeFileSync(
    join(changed, 'large'),
    Buffer.concat([readFileSync(join(source, 'large')).subarray(0, size(90_000)), random.bytes(size(50_000))]),
  );
  const store = join(folder, 'store');
  const making = `datadir:${store},compression=${seed % 2 === 1 ? 'zstd' : 'none'}`;
  const dirrefs: string[] = [];
  for (const [specification, line] of [
    [making, `put ${source} tree; quit`],
    [store, 'mkdir empty; quit'],
  ] as const) {
    const session = await vtftp(['-S', specification, '-c', line], { env });
    if (session.status !== 0) throw new Error(session.report);
    dirrefs.push(recited(session));
  }
  const archive = join(store, 'archives', 'default.vt');
  const kept = readFileSync(archive);
  const junk = join(folder, 'junk');
  writeFileSync(junk, random.bytes(size(200_000)));
  const lost = await vtftp(['-S', store, '-c', `put ${junk} junk; quit`], { env });
  if (lost.status !== 0) throw new Error(lost.report);
  writeFileSync(archive, kept);
  return { store, source, changed, recited: dirrefs, env };
}

/** Octets as they are, or as a text that compresses to half. */
function content(number: number, octets: Buffer): Buffer | string {
  return number % 2 === 0 ? octets : octets.subarray(0, octets.length / 2).toString('hex');
}

/** A copy of a Store, as it is on disk. */
export async function copyStore(from: string, to: string): Promise<void> {
  const copied = await run('sh', ['-c', 'rm -rf -- "$2" && cp -a -- "$1" "$2"', 'copy', from, to]);
  if (copied.status !== 0) throw new Error(copied.report);
}

/** Changes octets in the middle of some Blocks of a Store's data. @returns how many */
export function damageBlocks(store: string, source: string): number {
  const large = readFileSync(join(source, 'large'));
  let done = 0;
  for (const name of readdirSync(join(store, 'data'))) {
    const file = join(store, 'data', name);
    const data = readFileSync(file);
    for (const at of [20_000, 70_000, 120_000]) {
      const found = data.indexOf(large.subarray(at, at + 32));
      if (found < 0) continue;
      data.fill(0x55, found, found + 8);
      done++;
    }
    writeFileSync(file, data);
  }
  return done;
}
