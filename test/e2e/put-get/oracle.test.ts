import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oracleTorture } from '../../slow/oracle/oracle.ts';
import { makeScratch } from '../../support/scratch.ts';

/** Scripts: some seconds. `npm run torture -- --only oracle` runs 10,000. */
const SCRIPTS = 40;

test(`put, get, mv, cp, ln and rm do what GNU cp, mv, ln, rm and rsync do, in ${SCRIPTS} random scripts`, async (t) => {
  const faults: string[] = [];
  // Always the same scripts: others are for the long form.
  const seed = 400_000;
  t.diagnostic(`seed ${seed}`);
  const { folder } = makeScratch(t);
  const { rounds } = await oracleTorture.run({
    rounds: SCRIPTS,
    maxMs: 120_000,
    seed,
    folder,
    onFault: (fault) => void faults.push(fault),
  });
  assert.deepEqual(faults, []);
  assert.ok(rounds > 0);
});
