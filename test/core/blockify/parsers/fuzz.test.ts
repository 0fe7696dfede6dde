import assert from 'node:assert/strict';
import { it } from 'node:test';
import { fuzzParsers } from '../../../support/fuzz/fuzz-parsers.ts';

it('parsers take contents that are damaged, put together or without sense; npm run fuzz does it for longer', async () => {
  const { contents } = await fuzzParsers(20_260, (done) => done >= 25);
  assert.equal(contents, 25);
});
