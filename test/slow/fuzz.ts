import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { FUZZ_TARGETS } from '../support/fuzz/targets.ts';
import { scriptArguments } from '../support/script-arguments.ts';

/**
 * Fuzzes the parsers of contents and then every decoder: `npm run fuzz -- [--only NAME[,NAME…]] [--seconds N] [--seed N]
 * [--save FOLDER]`. `parsers` stands for the first, which share their seconds; the others have as many each. Ends with 1
 * if there was a fault.
 */

const {
  values,
  number,
  names: listed,
} = scriptArguments(
  'npm run fuzz -- [--only NAME[,NAME…]] [--seconds N] [--seed N] [--save FOLDER]',
  ['only', 'seconds', 'seed', 'save'],
  [
    '  --only NAME[,NAME…]  fuzz only these; default: all',
    '  --seconds N          seconds for each',
    '  --seed N             the seed of random numbers, to repeat a run',
    '  --save FOLDER        save inputs that cause faults in this folder',
    `Names: ${['parsers', ...FUZZ_TARGETS.map(({ name }) => name)].join(', ')}`,
  ],
);
const names = listed('only', ['parsers', ...FUZZ_TARGETS.map(({ name }) => name)]);
const decoders = names?.filter((name) => name !== 'parsers');

function run(script: string, options: Readonly<Record<string, string | undefined>>): boolean {
  const args = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`]));
  const path = fileURLToPath(new URL(`./fuzz/${script}.js`, import.meta.url));
  return spawnSync(process.execPath, ['--enable-source-maps', path, ...args], { stdio: 'inherit' }).status === 0;
}

const { save } = values;
const seconds = number('seconds', 1)?.toString();
const seed = number('seed', 0)?.toString();
const parsersHold = names?.includes('parsers') === false || run('parser-fuzz', { seconds, seed });
const decodersHold = decoders?.length === 0 || run('decoder-fuzz', { seconds, seed, save, only: decoders?.join(',') });
process.exitCode = parsersHold && decodersHold ? 0 : 1;
