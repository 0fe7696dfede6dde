import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { exerciseContents } from '../../fuse/exerciser/content-exerciser.ts';
import { LiveHarness } from '../../fuse/live-harness.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';

/** Operations of a round. */
const ROUND_OPERATIONS = 1000;
/** Rounds on one Store, which is then removed: it keeps every state, about 10 MB a round. */
const STORE_ROUNDS = 50;
/** Millions of operations of a full run. */
const MILLIONS = 3;

/** Contents of files of a mount's filesystem against a model in memory. */
export const exerciserTorture: Torture = {
  name: 'exerciser',
  does: 'files of a live tree over a datadir are read, written, truncated, punched, copied by range, synced, stored and reopened at random',
  promise: 'every byte read equals that of a model in memory',
  fullRounds: MILLIONS * 1000,
  run,
};

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  const rounds = Math.max(1, Math.min(STORE_ROUNDS, limits.rounds));
  const folder = join(limits.folder, 'store');
  let peak = 0;
  for (let seed = limits.seed; tally.goesOn; seed++) {
    await exercise(folder, seed, rounds * ROUND_OPERATIONS, tally);
    for (let i = 0; i < rounds; i++) tally.count('thousand operations');
    tally.note('Stores');
    peak = Math.max(peak, process.memoryUsage.rss());
    rmSync(folder, { recursive: true, force: true });
  }
  return tally.result(`at most ${Math.round(peak / 1e6)} MB of memory`);
}

async function exercise(folder: string, seed: number, operations: number, tally: TortureTally): Promise<void> {
  await using store = await openDatadir(folder, { create: true });
  await using harness = new LiveHarness(store);
  try {
    await exerciseContents(harness.caller, {
      seed,
      operations,
      async reopen() {
        await harness.reopen();
        return harness.caller;
      },
    });
    for (const fault of harness.faults) tally.fault(`behind the calls: ${String(fault)}`);
  } catch (error) {
    tally.fault(error instanceof Error ? error.message : String(error));
  }
}
