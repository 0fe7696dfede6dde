import assert from 'node:assert/strict';
import { it } from 'node:test';
import { fuzz } from '../support/fuzz/fuzz-loop.ts';
import { FUZZ_TARGETS } from '../support/fuzz/targets.ts';

// The short form of `npm run fuzz`: always the same inputs, so that a fault seen here is seen again.

const INPUTS = 200;
const MAX_MS = 2500;

for (const target of FUZZ_TARGETS) {
  it(`${target.name}: whatever it is given, it decodes or refuses in time, and what it read is written as it was`, async () => {
    const endMs = performance.now() + MAX_MS;
    const faults: string[] = [];
    const { inputs } = await fuzz(target, {
      seed: 20_261_122,
      isOver: (count) => count >= INPUTS || performance.now() >= endMs,
      onFault: (fault, data, input) => faults.push(`input ${input}: ${fault.message}: ${JSON.stringify(data.toString('latin1', 0, 400))}`),
    });
    assert.deepEqual(faults, []);
    assert.ok(inputs > 0);
  });
}
