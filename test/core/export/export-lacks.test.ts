import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { test } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import type { AtCalls } from '../../../core/base/system/at-calls.ts';
import { atCalls } from '../../../core/base/system/choose-at-calls.ts';
import { errorCode, systemError } from '../../../core/base/system/system-error.ts';
import { timespecs } from '../../../core/base/timespec.ts';
import { exportDirent } from '../../../core/export/export.ts';
import { floorTo } from '../../../core/export/time-grain.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { makeScratch } from '../../support/scratch.ts';
import { storeTree } from '../../support/trees/store-tree.ts';

const o = (text: string): Octets => Buffer.from(text).toString('latin1') as Octets;
const { EINVAL, EPERM, EIO } = constants.errno;

function fails(errno: number, call: string): never {
  throw systemError(errno, call);
}

/** This machine's calls as those of a filesystem like FAT: no symlinks, FIFOs, owners, and no name with a colon. */
function likeFat(): AtCalls {
  const at = atCalls();
  return {
    ...at,
    symlink: () => fails(EPERM, 'symlinkat'),
    mknod: () => fails(EIO, 'mknodat'),
    fchown: () => fails(EPERM, 'fchown'),
    rename(dir, from, to) {
      if (Buffer.from(to).includes(':')) fails(EINVAL, 'renameat');
      at.rename(dir, from, to);
    },
  };
}

test('get says what the filesystem of its target cannot hold, once for what all nodes lack', async (t) => {
  const scratch = makeScratch(t);
  const source = scratch.mkdir('source');
  for (const name of ['a', 'b', '12:30']) writeFileSync(`${source}/${name}`, name);
  symlinkSync('a', `${source}/link`);
  execFileSync('mkfifo', [`${source}/fifo`]);
  const store = new MemoryStore();
  const failures: string[] = [];
  const counts = await exportDirent(store, await storeTree(store, source), o(scratch.path('target')), {
    workers: 0,
    owner: 'numeric',
    at: likeFat(),
    onFailure: ({ path, error }) => void failures.push(`${path}: ${error.message}`),
  });
  const isRoot = process.geteuid?.() === 0;
  assert.deepEqual(failures.filter((line) => !line.includes('cannot set owner')).sort(), [
    '12:30: write: this filesystem cannot hold the name "12:30"',
    'fifo: write: this filesystem cannot hold FIFOs',
    'link: write: this filesystem cannot hold symlinks',
  ]);
  if (isRoot) {
    assert.equal(failures.filter((line) => /: cannot set owner: this filesystem cannot hold owners \(said once\)$/.test(line)).length, 1);
    assert.ok(counts.failures > failures.length, 'those that were not said again count');
  }
  assert.deepEqual(readdirSync(scratch.path('target')).sort(), ['a', 'b']);
});

for (const [name, grain] of [
  ['100 ns', 100n],
  ['1 s', 1_000_000_000n],
  ['2 s', 2_000_000_000n],
] as const) {
  test(`get -c leaves alone what is complete where times are multiples of ${name}`, async (t) => {
    const scratch = makeScratch(t);
    const source = scratch.mkdir('source');
    for (const file of ['a', 'b']) writeFileSync(`${source}/${file}`, file);
    execFileSync('touch', ['-d', '2001-09-09 01:46:41.987654321', `${source}/a`]);
    execFileSync('touch', ['-d', '1969-12-31 23:59:57.5', `${source}/b`]);
    const at = atCalls();
    const coarse: AtCalls = {
      ...at,
      futimens(fd, times) {
        const data = Buffer.from(times.buffer, times.byteOffset, times.byteLength);
        const ns = floorTo(data.readBigInt64LE(16) * 1_000_000_000n + data.readBigInt64LE(24), grain);
        at.futimens(fd, timespecs(ns, ns));
      },
    };
    const store = new MemoryStore();
    const dirent = await storeTree(store, source);
    const get = async () => await exportDirent(store, dirent, o(scratch.path('target')), { workers: 0, resume: true, at: coarse });
    assert.equal((await get()).files, 2);
    const again = await get();
    assert.deepEqual([again.files, again.skipped, again.failures], [0, 2, 0]);
    writeFileSync(scratch.path('target/a'), 'z');
    assert.deepEqual([(await get()).files, (await get()).files], [1, 0], 'what is of another time is written');
  });
}

test('an error that Node has no name for has its own', () => {
  const error = Object.assign(new Error('Unknown system error -122: Unknown system error -122, write'), {
    code: 'Unknown system error -122',
    errno: -122,
    syscall: 'write',
  });
  assert.equal(errorCode(error), 'EDQUOT');
});
