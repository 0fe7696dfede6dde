import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mounted, noMountsHere } from '../support/mounts/mounted.ts';
import { makeScratch } from '../support/scratch.ts';
import { exerciseContents } from './exerciser/content-exerciser.ts';
import { LiveHarness } from './live-harness.ts';
import { processCaller } from './posix/process-caller.ts';

const OPERATIONS = Number(process.env['VTFTP_EXERCISES'] ?? 6000);

describe('contents that are read, written, cut, punched and copied at random', () => {
  for (const seed of [1, 2, 3]) {
    it(`are as they have to be without a mount, stored and opened again in between, seed ${seed}`, async () => {
      await using harness = new LiveHarness();
      await exerciseContents(harness.caller, {
        seed,
        operations: OPERATIONS,
        async reopen() {
          await harness.reopen();
          return harness.caller;
        },
      });
      assert.deepEqual(harness.faults, []);
    });
  }

  it('are as they have to be through a mount, mapped too', { skip: noMountsHere() ?? false }, async (t) => {
    const mount = await mounted(t, makeScratch(t));
    await using caller = processCaller(mount.path);
    await caller.call('enter', 'exercise');
    await exerciseContents(caller, { seed: 4, operations: Math.min(OPERATIONS, 4000) });
    await caller.call('chdir', '/');
  });
});
