import assert from 'node:assert/strict';
import {
  appendFileSync,
  closeSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { mounted, noMountsHere } from '../../support/mounts/mounted.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';

const SKIP = noMountsHere();

/** Every path below a folder: `dir`, or the content of a file with its links. */
function contents(folder: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of (readdirSync(folder, { recursive: true, encoding: 'utf8' }) as string[]).sort()) {
    const path = join(folder, name);
    const stat = lstatSync(path);
    found.set(name, stat.isDirectory() ? 'dir' : `${stat.nlink} ${readFileSync(path, 'latin1')}`);
  }
  return found;
}

/** Those that the rules leave, sorted. */
function counted(paths: ReadonlyMap<string, string>): string[] {
  const isExcluded = (path: string): boolean => path.endsWith('.o') || (/(^|\/)build$/.test(path) && paths.get(path) === 'dir');
  return [...paths.keys()]
    .filter((path) => path.split('/').every((_, i, names) => !isExcluded(names.slice(0, i + 1).join('/'))))
    .map((path) => `/${path}`)
    .sort();
}

test('after any changes a mount with rules is what a directory is, and stored is what the rules leave of it', {
  ...(SKIP === undefined ? {} : { skip: SKIP }),
}, async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  t.diagnostic(`seed ${seed}`);
  const random = makeRandom(seed);
  const scratch = makeScratch(t);
  const plain = scratch.mkdir('plain');
  const mount = await mounted(t, scratch, "-o sync=1 --exclude='*.o' --exclude=build/");
  const tops = [plain, mount.path];
  for (let step = 1; step <= 150; step++) {
    const names = [...contents(plain)];
    const dirs = ['', ...names.filter(([, what]) => what === 'dir').map(([name]) => name)];
    const [from] = names[random.below(names.length)] ?? ['none'];
    const to = join(dirs[random.below(dirs.length)] ?? '', random.pick(['a', 'b', 'a.o', 'b.o', 'build', 'c', 'build.o']));
    const data = Buffer.alloc(random.pick([30, 3000, 200_000]), random.bytes(29));
    const doing = random.pick([
      'write',
      'write',
      'write',
      'mkdir',
      'rename',
      'rename',
      'rename',
      'link',
      'remove',
      'append',
      'cut',
    ] as const);
    const outcomes = tops.map((top) => {
      try {
        if (doing === 'write') writeFileSync(join(top, to), data);
        else if (doing === 'mkdir') mkdirSync(join(top, to));
        else if (doing === 'rename') renameSync(join(top, from), join(top, to));
        else if (doing === 'link') linkSync(join(top, from), join(top, to));
        else if (doing === 'remove') rmSync(join(top, from), { recursive: true });
        else if (doing === 'append') appendFileSync(join(top, from), data);
        else truncateSync(join(top, from), 10);
        return 'done';
      } catch (error) {
        return (error as NodeJS.ErrnoException).code;
      }
    });
    assert.equal(outcomes[1], outcomes[0], JSON.stringify({ seed, step, doing, from, to }));
    if (step % 15 !== 0) continue;
    assert.deepEqual(contents(mount.path), contents(plain), JSON.stringify({ seed, step }));
    const top = openSync(mount.path, 'r');
    fsyncSync(top);
    closeSync(top);
    const found = await mount.vtftp('-c', 'find /');
    const stored = found.stdout.split('\n').filter((line) => line.length > 1 && line.startsWith('/'));
    assert.deepEqual(stored.sort(), counted(contents(plain)), JSON.stringify({ seed, step }));
  }
  const left = contents(plain);
  const gone = left.size - counted(left).length;
  const ended = await mount.unmount('--');
  assert.equal(/(\d+) excluded name/.exec(ended.stderr)?.[1] ?? '0', `${gone}`, ended.report);
  const got = await mount.vtftp('-c', `get / ${scratch.path('got')}`);
  assert.equal(got.status, 0, got.report);
  const kept = contents(scratch.path('got'));
  assert.deepEqual([...kept.keys()].map((name) => `/${name}`).sort(), counted(left));
  for (const [name, what] of kept) assert.equal(what.replace(/^\d+ /, ''), left.get(name)?.replace(/^\d+ /, ''), name);
});
