import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TORTURES } from '../slow/tortures.ts';
import { makeScratch } from '../support/scratch.ts';

/** Rounds of each: some seconds. `npm run torture` runs them in full. */
const ROUNDS = 6;

/** The rows of the README that they are of. */
const ROWS: Readonly<Record<string, string>> = { 'tail-kill': 'S34', mounts: 'S51' };

for (const torture of TORTURES) {
  test(`${ROWS[torture.name] ?? 'S35'}: ${torture.name}, ${ROUNDS} rounds: ${torture.does}`, async (t) => {
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
  });
}
