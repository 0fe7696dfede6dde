import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Run, vtftp } from '../../support/program.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';
import { makeShim, shimUnable } from './shim.ts';
import { copyStore, makeSmallStore, type SmallStore } from './small-store.ts';
import { StoreChecker } from './store-check.ts';

const LINES: readonly (readonly [name: string, line: (small: SmallStore) => string])[] = [
  ['put', ({ changed }) => `put ${changed} tree; quit`],
  ['gc', () => 'gc --grace 0 --rootless'],
  ['index rebuild', () => 'fsck --rebuild-index'],
];

/** ENOSPC for good, and EIO once. */
const FAILURES: readonly (readonly [name: string, how: (step: number) => string])[] = [
  ['ENOSPC', (step) => `${step}:28+`],
  ['EIO', (step) => `${step}:5`],
];

/** Every step of what writes fails in turn. */
export const failuresTorture: Torture = {
  name: 'failures',
  does: 'each write, sync, rename, … of put, gc and index rebuild fails in turn: with ENOSPC from then on, or with EIO once',
  promise:
    'one clean error line or none, never a crash; printed Dirrefs open completely; fsck and scrub find nothing; the next run completes',
  fullRounds: 1000,
  unable: shimUnable,
  run,
};

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  const shim = makeShim(limits.folder);
  const small = await makeSmallStore(limits.folder, limits.seed);
  const work = join(limits.folder, 'work');
  const store = join(work, 'store');
  const count = join(limits.folder, 'count');
  mkdirSync(work);
  using checker = new StoreChecker();
  const steps: number[] = [];
  for (const [, line] of LINES) {
    rmSync(count, { force: true });
    await copyStore(small.store, store);
    await vtftp(['-S', store, '-c', line(small)], { env: { ...small.env, LD_PRELOAD: shim, SHIM_FOLDER: work, SHIM_COUNT: count } });
    steps.push(existsSync(count) ? Number(readFileSync(count).readBigUInt64LE()) : 0);
  }
  for (let step = 1; tally.goesOn && step <= Math.max(...steps); step++) {
    for (const [which, [name, line]] of LINES.entries()) {
      if (step > (steps[which] ?? 0)) continue;
      for (const [failure, how] of FAILURES) {
        if (!tally.goesOn) break;
        tally.count(`${name} ${failure}`);
        const what = `${name}, step ${step} of ${steps[which]} fails with ${failure}`;
        await copyStore(small.store, store);
        const failed = await vtftp(['-S', store, '-c', line(small)], {
          env: { ...small.env, LD_PRELOAD: shim, SHIM_FOLDER: work, SHIM_FAIL: how(step) },
        });
        if (failed.signal !== undefined || /^\s+at .*:\d+:\d+/m.test(failed.stderr)) tally.fault(`${what}: ${failed.report}`);
        if (failed.status !== 0 && failed.stderr.trim() === '') tally.fault(`${what}: no word of it: ${failed.report}`);
        tally.note(failed.status === 0 ? 'went on all the same' : 'ended with an error');
        const recited = [...small.recited, ...dirrefsOf(failed)];
        const wrong = await checker.check({ store, recited });
        if (wrong !== undefined) tally.fault(`${what}: ${wrong}`);
        const again = await vtftp(['-S', store, '-c', line(small)], { env: small.env });
        if (again.status !== 0) tally.fault(`${what}, then again: ${again.report}`);
        const after = await checker.check({ store, recited: [...recited, ...dirrefsOf(again)] });
        if (after !== undefined) tally.fault(`${what}, then again: ${after}`);
      }
    }
  }
  return tally.result(`of ${LINES.map(([name], i) => `${steps[i]} steps of ${name}`).join(', ')}`);
}

function dirrefsOf({ status, stdout }: Run): string[] {
  return status === 0 ? stdout.split('\n').filter((line) => line.startsWith('D{') && line.endsWith('}')) : [];
}
