import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { mountsTorture } from '../slow/mounts.ts';
import { peerKillTorture } from '../slow/peer-kill.ts';
import { tailKillTorture } from '../slow/tail-kill.ts';
import type { Torture } from '../slow/torture-kind.ts';
import { TORTURES } from '../slow/tortures.ts';
import { makeScratch } from '../support/scratch.ts';

/** Rounds of each: some seconds. `npm run torture` runs them in full. */
const ROUNDS = 6;

/** Those that are of a row of their own. */
const ROWS = new Map([
  [peerKillTorture, 'S08, S09'],
  [tailKillTorture, 'S34'],
  [mountsTorture, 'S51'],
]);

for (const torture of TORTURES)
  test(`${ROWS.get(torture) ?? 'S35'}: ${torture.name}, ${ROUNDS} rounds: ${torture.does}`, async (t) => await runShort(t, torture));

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
