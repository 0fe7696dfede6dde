import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { noMountsHere } from '../../support/mounts/mounted.ts';
import { makeScratch } from '../../support/scratch.ts';

const BENCH = fileURLToPath(new URL('../../bench/bench.js', import.meta.url));

function mountsIn(folder: string): string[] {
  return readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(folder));
}

test('a benchmark of mounts that gets SIGTERM ends, and leaves no mount and no folder', { skip: noMountsHere() ?? false }, async (t) => {
  const folder = makeScratch(t).mkdir('bench');
  const args = ['--only', 'mount', '--small', '--peers', 'none'];
  const bench = spawn(process.execPath, [BENCH, ...args], { env: { ...process.env, BENCH_SCRATCH: folder }, stdio: 'ignore' });
  t.after(() => bench.kill());
  const ended = new Promise<readonly [number | null, string | null]>((resolve) =>
    bench.once('close', (status, signal) => resolve([status, signal])),
  );
  while (mountsIn(folder).length === 0 && bench.exitCode === null) await delay(50);
  bench.kill();
  assert.deepEqual(await ended, [143, null]);
  assert.deepEqual(mountsIn(folder), []);
  assert.deepEqual(readdirSync(folder), []);
});
