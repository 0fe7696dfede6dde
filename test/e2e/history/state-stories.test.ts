import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statesTorture } from '../../slow/histories/states.ts';
import { makeScratch } from '../../support/scratch.ts';

/** Stories: some seconds. `npm run torture -- --only states` runs 1,000. */
const STORIES = 6;

test('no recorded state is lost or changed by put, cp, mv, rm, ln, merge, tag, undo, redo, forget, gc and transition', async (t) => {
  const faults: string[] = [];
  // Always the same stories: others are for the long form.
  const seed = 3000;
  t.diagnostic(`seed ${seed}`);
  const { folder } = makeScratch(t);
  const { rounds } = await statesTorture.run({
    rounds: STORIES,
    maxMs: 120_000,
    seed,
    folder,
    onFault: (fault) => void faults.push(fault),
  });
  assert.deepEqual(faults, []);
  assert.ok(rounds > 0);
});
