import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tryNames } from '../slow/hostile/names.ts';
import { makeScratch } from '../support/scratch.ts';

// The short form; `npm run attack` has the long one, with each command.

/** More than a call can have arguments. */
const NAMES = 130_000;

const WANTED: readonly string[] = ['ls -l bomb'];

test(`a listing of ${NAMES} names in one Dir is whole`, async (t) => {
  const faults: string[] = [];
  const isWanted = (line: string): boolean => WANTED.includes(line);
  await tryNames(NAMES, makeScratch(t).mkdir('names'), (fault) => faults.push(fault), isWanted);
  assert.deepEqual(faults, []);
});
