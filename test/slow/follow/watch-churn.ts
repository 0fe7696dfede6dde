import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isInstalled } from '../../support/needed-programs.ts';
import { vtftp } from '../../support/program.ts';
import { makeRandom, type Random } from '../../support/random.ts';
import { rsyncDifferences } from '../../support/rsync/rsync.ts';
import { Churn } from '../../support/trees/churn.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';

/** Operations of a round, and rounds of one process that watches. */
const OPERATIONS = 150;
const ROUNDS_A_PROCESS = 4;

/** Milliseconds that an operation waits for now and then, so that looks come in between. */
const MAX_PAUSE_MS = 40;

/** What is not seen in this time is not seen before the look at all. */
const NEVER_MS = 20_000;

/** A tree that is watched while random things are done to it. */
export const watchChurnTorture: Torture = {
  name: 'watch',
  does: `${OPERATIONS} random operations per round on a watched tree: files, directories, symlinks, hard links, FIFOs, renames, modes, swaps`,
  promise: 'rsync finds no difference between the tree and its stored state',
  fullRounds: 65,
  run,
  unable: () => (isInstalled('rsync') ? undefined : 'no rsync'),
};

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  const random = makeRandom(limits.seed);
  const done = new Map<string, number>();
  for (let process = 0; tally.goesOn; process++) {
    const folder = join(limits.folder, String(process));
    mkdirSync(join(folder, 'tree'), { recursive: true });
    await watchOnce(folder, tally, random, done);
    if (tally.faults === 0) rmSync(folder, { recursive: true, force: true });
  }
  return tally.result([...done].map(([name, count]) => `${count} ${name}`).join(', '));
}

async function watchOnce(folder: string, tally: TortureTally, random: Random, done: Map<string, number>): Promise<void> {
  const tree = join(folder, 'tree');
  const env = { HOME: join(folder, 'home') };
  const store = join(folder, 'store');
  const churn = new Churn(tree, random);
  const ended = await vtftp(['-S', store, '-c', `watch ${tree} w --every 0; wait`], {
    env,
    during: async (program) => {
      await program.printed(' into ');
      for (let round = 0; round < ROUNDS_A_PROCESS && tally.goesOn; round++) {
        const history: string[] = [];
        for (let i = 0; i < OPERATIONS; i++) {
          const step = await churn.step();
          if (step === undefined) continue;
          done.set(step.name, (done.get(step.name) ?? 0) + 1);
          history.push(`${step.name} ${JSON.stringify(step.paths)}`);
          if (random.chance(15)) await delay(random.below(MAX_PAUSE_MS));
        }
        const differences = await settled(join(folder, 'got'), tree, store, env);
        tally.count('equal in the end');
        if (differences !== '') tally.fault(`${folder}: ${differences}\n${history.join('\n')}`);
      }
      program.kill('SIGTERM');
    },
  });
  if (ended.status !== 143) tally.fault(ended.report);
}

/** What differs between a tree and what is stored of it, once nothing does, or for so long that it never ends. */
async function settled(got: string, tree: string, store: string, env: { readonly HOME: string }): Promise<string> {
  for (const startMs = performance.now(); ; await delay(100)) {
    rmSync(got, { recursive: true, force: true });
    const ran = await vtftp(['-S', store, '-c', `get w ${got}`], { env });
    const differences = ran.status === 0 ? await rsyncDifferences(tree, got) : ran.report;
    if (differences === '' || performance.now() - startMs > NEVER_MS) return differences;
  }
}
