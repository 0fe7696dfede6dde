import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { mounted, noMountsHere } from '../support/mounts/mounted.ts';
import { makeScratch } from '../support/scratch.ts';
import { exerciseNames } from './exerciser/name-exerciser.ts';
import { LiveHarness } from './live-harness.ts';
import { processCaller } from './posix/process-caller.ts';

const OPERATIONS = Number(process.env['VTFTP_EXERCISES'] ?? 4000);
const notLinux = process.platform === 'linux' ? undefined : 'system calls are those of Linux';

describe('names that come, go and move at random', { skip: notLinux ?? false }, () => {
  for (const seed of [1, 2, 3]) {
    it(`do on a live tree what they do on the filesystem of the system, stored and opened again in between, seed ${seed}`, async (t) => {
      const scratch = makeScratch(t);
      await using harness = new LiveHarness();
      await using oracle = processCaller(scratch.mkdir('oracle'));
      await oracle.call('enter', 'top');
      await exerciseNames(harness.caller, oracle, {
        seed,
        operations: OPERATIONS,
        async pause() {
          await harness.reopen();
          return harness.caller;
        },
      });
      assert.deepEqual(harness.faults, []);
    });
  }

  it('do through a mount what they do on the filesystem of the system', { skip: noMountsHere() ?? false }, async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    mkdirSync(scratch.path('oracle'));
    await using oracle = processCaller(scratch.path('oracle'));
    await oracle.call('enter', 'top');
    await using caller = processCaller(mount.path);
    await caller.call('enter', 'top');
    await exerciseNames(caller, oracle, { seed: 4, operations: Math.min(OPERATIONS, 4000) });
    await caller.call('chdir', '/');
  });
});
