import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scriptArguments } from '../support/script-arguments.ts';
import type { Torture } from './torture-kind.ts';

/**
 * Runs tortures as the command line of a script says, and prints a table of what came of them. Rounds and seconds are those of each.
 *
 * @param script - its name, for the usage
 */
export async function runTortures(script: string, tortures: readonly Torture[]): Promise<void> {
  const { values, number, names } = scriptArguments(
    `npm run ${script} [-- --only NAME[,NAME…]] [--rounds N] [--seconds N] [--seed N] [--folder DIR]`,
    ['only', 'rounds', 'seconds', 'seed', 'folder'],
    [
      '  --only NAME[,NAME…]  run only these; default: all',
      '  --rounds N           rounds of each',
      '  --seconds N          end each after N seconds',
      '  --seed N             the seed of random numbers, to repeat a run',
      '  --folder DIR         the folder for scratch files; default: the temporary folder',
      'Names:',
      ...tortures.map(({ name, does }) => `  ${name}: ${does}`),
    ],
  );
  const seed = (number('seed', 0) ?? Date.now() % 2 ** 31) | 0;
  const rounds = number('rounds', 1);
  const maxMs = (number('seconds', 1) ?? 1e9) * 1000;
  const wanted = names(
    'only',
    tortures.map(({ name }) => name),
  );
  const parent = values.folder ?? tmpdir();
  mkdirSync(parent, { recursive: true });
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const rows: string[] = [];
  let faults = 0;
  for (const torture of tortures) {
    if (wanted !== undefined && !wanted.includes(torture.name)) continue;
    const reason = torture.unable?.();
    if (reason !== undefined) {
      rows.push(`| ${torture.does} | ${torture.promise} | not run: ${reason} | | |`);
      continue;
    }
    const folder = mkdtempSync(join(parent, `${script}-${torture.name}-`));
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
    rows.push(
      `| ${torture.does} | ${torture.promise} | ${result.rounds} in ${Math.round(seconds)} s (${result.notes}) | ${result.faults} |`,
    );
    say(`${torture.name}: ${result.rounds} rounds, ${result.faults} faults, ${seconds.toFixed(0)} s; ${result.notes}`);
  }
  process.stdout.write(`${['| test | requirement | rounds | faults |', '|---|---|---|---|', ...rows].join('\n')}\n`);
  process.exitCode = faults === 0 ? 0 : 1;
}
