import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scriptArguments } from '../support/script-arguments.ts';
import { TORTURES } from './tortures.ts';

/**
 * Runs the tortures and prints a table of what came of them: `npm run torture [-- --only NAME[,NAME…]] [--rounds N]
 * [--seconds N] [--seed N] [--folder DIR]`. Rounds and seconds are those of each torture.
 */

const { values, number, names } = scriptArguments(
  'npm run torture [-- --only NAME[,NAME…]] [--rounds N] [--seconds N] [--seed N] [--folder DIR]',
  ['only', 'rounds', 'seconds', 'seed', 'folder'],
);
const seed = (number('seed', 0) ?? Date.now() % 2 ** 31) | 0;
const rounds = number('rounds', 1);
const maxMs = (number('seconds', 1) ?? 1e9) * 1000;
const wanted = names(
  'only',
  TORTURES.map(({ name }) => name),
);
const parent = values.folder ?? tmpdir();
mkdirSync(parent, { recursive: true });
const say = (text: string): void => void process.stderr.write(`${text}\n`);
const rows: string[] = [];
let faults = 0;
for (const torture of TORTURES) {
  if (wanted !== undefined && !wanted.includes(torture.name)) continue;
  const reason = torture.unable?.();
  if (reason !== undefined) {
    rows.push(`| ${torture.does} | ${torture.promise} | not run: ${reason} | | |`);
    continue;
  }
  const folder = mkdtempSync(join(parent, `torture-${torture.name}-`));
  const startMs = performance.now();
  say(`${torture.name}: seed ${seed}, in ${folder}`);
  const result = await torture.run({
    rounds: rounds ?? torture.fullRounds,
    maxMs,
    seed,
    folder,
    onFault: (fault) => say(`FAULT in ${torture.name}: ${fault}`),
  });
  rmSync(folder, { recursive: true, force: true });
  faults += result.faults;
  const seconds = (performance.now() - startMs) / 1000;
  rows.push(`| ${torture.does} | ${torture.promise} | ${result.rounds} in ${Math.round(seconds)} s (${result.notes}) | ${result.faults} |`);
  say(`${torture.name}: ${result.rounds} rounds, ${result.faults} faults, ${seconds.toFixed(0)} s; ${result.notes}`);
}
process.stdout.write(`${['| what is done | what must hold | rounds | faults |', '|---|---|---|---|', ...rows].join('\n')}\n`);
process.exitCode = faults === 0 ? 0 : 1;
