import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { TORTURES } from './tortures.ts';

/**
 * Runs the tortures and prints a table of what came of them: `npm run torture [-- --only NAME[,NAME…]] [--rounds N]
 * [--seconds N] [--seed N] [--folder DIR]`. Rounds and seconds are those of each torture.
 */

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    seed: { type: 'string' },
    folder: { type: 'string', default: tmpdir() },
  },
});
const seed = Number(values.seed ?? Date.now() % 2 ** 31) | 0;
const wanted = values.only?.split(',');
mkdirSync(values.folder, { recursive: true });
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
  const folder = mkdtempSync(join(values.folder, `torture-${torture.name}-`));
  const startMs = performance.now();
  say(`${torture.name}: seed ${seed}, in ${folder}`);
  const result = await torture.run({
    rounds: Number(values.rounds ?? torture.fullRounds),
    maxMs: Number(values.seconds ?? 1e9) * 1000,
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
