import { parseArgs } from 'node:util';
import { PARSERS } from '../../core/blockify/parsers/list.ts';
import { fuzzParsers } from '../support/fuzz-parsers.ts';

// Fuzzes every parser: `npm run fuzz -- [--seconds=600] [--seed=N]`. Ends with 1 at the first fault, and tells how to repeat it.

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '600' }, seed: { type: 'string' } } });
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const seconds = Number(values.seconds);
if (!Number.isSafeInteger(seed) || !(seconds > 0)) throw new RangeError('parser-fuzz: expected --seconds=N --seed=N');
console.log(`parser-fuzz: ${PARSERS.map(({ name }) => name).join(', ')}; ${seconds} s, seed ${seed}`);
const endMs = performance.now() + seconds * 1000;
try {
  const { contents, octets } = await fuzzParsers(seed, () => performance.now() >= endMs);
  console.log(`parser-fuzz: nothing found in ${contents} contents (${octets} octets), each with ${PARSERS.length} parsers`);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
