import { PARSERS } from '../../../core/blockify/parsers/list.ts';
import { fuzzParsers } from '../../support/fuzz/fuzz-parsers.ts';
import { scriptArguments } from '../../support/script-arguments.ts';

// Fuzzes every parser: `npm run fuzz -- [--seconds=600] [--seed=N]`. Ends with 1 at the first fault, and tells how to repeat it.

const { number } = scriptArguments('parser-fuzz [--seconds N] [--seed N]', ['seconds', 'seed']);
const seed = number('seed', 0) ?? Math.floor(Math.random() * 2 ** 31);
const seconds = number('seconds', 1) ?? 600;
console.log(`parser-fuzz: ${PARSERS.map(({ name }) => name).join(', ')}; ${seconds} s, seed ${seed}`);
const endMs = performance.now() + seconds * 1000;
try {
  const { contents, octets } = await fuzzParsers(seed, () => performance.now() >= endMs);
  console.log(`parser-fuzz: nothing found in ${contents} contents (${octets} octets), each with ${PARSERS.length} parsers`);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
