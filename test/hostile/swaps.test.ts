import assert from 'node:assert/strict';
import { test } from 'node:test';
import { swapsAttack } from '../slow/hostile/swaps.ts';
import { makeScratch } from '../support/scratch.ts';

// The short form; `npm run attack` has the long one.

test('while somebody swaps names for symlinks, put, follow and looks at a directory take in nothing from outside, and get writes nothing there', {
  skip: swapsAttack.unable?.() ?? false,
}, async (t) => {
  const faults: string[] = [];
  const { rounds, notes } = await swapsAttack.run({
    rounds: 40,
    maxMs: 60_000,
    seed: 1,
    folder: makeScratch(t).mkdir('swaps'),
    onFault: (fault) => faults.push(fault),
  });
  assert.deepEqual(faults, []);
  assert.ok(rounds >= 40, notes);
});
