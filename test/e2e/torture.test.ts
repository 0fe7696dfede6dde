import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { mountsTorture } from '../slow/mounts.ts';
import { peerKillTorture } from '../slow/peer-kill.ts';
import { tailKillTorture } from '../slow/tail-kill.ts';
import type { Torture } from '../slow/torture-kind.ts';
import { TORTURES } from '../slow/tortures.ts';
import { watchChurnTorture } from '../slow/watch-churn.ts';
import { makeScratch } from '../support/scratch.ts';

/** Rounds of each: some seconds. `npm run torture` runs them in full. */
const ROUNDS = 6;

/** Those of a row of their own. */
const OTHERS = [peerKillTorture, tailKillTorture, watchChurnTorture, mountsTorture];

for (const torture of TORTURES.filter((each) => !OTHERS.includes(each)))
  test(`S35: ${torture.name}, ${ROUNDS} rounds: ${torture.does}`, async (t) => await runShort(t, torture));

test(`S09: ${peerKillTorture.name}, ${ROUNDS} rounds: ${peerKillTorture.does}`, async (t) => await runShort(t, peerKillTorture));

test(`S34: ${tailKillTorture.name}, ${ROUNDS} rounds: ${tailKillTorture.does}`, async (t) => await runShort(t, tailKillTorture));

test(`S34: ${watchChurnTorture.name}, ${ROUNDS} rounds: ${watchChurnTorture.does}`, async (t) => await runShort(t, watchChurnTorture));

test(`S51: ${mountsTorture.name}, ${ROUNDS} rounds: ${mountsTorture.does}`, async (t) => await runShort(t, mountsTorture));

async function runShort(t: TestContext, torture: Torture): Promise<void> {
  const reason = torture.unable?.();
  if (reason !== undefined) {
    t.skip(reason);
    return;
  }
  const scratch = makeScratch(t);
  const faults: string[] = [];
  const seed = Date.now() % 2 ** 31;
  t.diagnostic(`seed ${seed}`);
  const { rounds, notes } = await torture.run({
    rounds: ROUNDS,
    maxMs: 120_000,
    seed,
    folder: scratch.folder,
    onFault: (fault) => faults.push(fault),
  });
  t.diagnostic(notes);
  assert.deepEqual(faults, []);
  assert.ok(rounds > 0);
}
