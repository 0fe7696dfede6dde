import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { run as runCommand, vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';
import { type DiskStep, parseShimLog, stateAt } from './power-loss.ts';
import { makeShim, shimUnable } from './shim.ts';
import { copyStore, makeSmallStore, type SmallStore } from './small-store.ts';
import { StoreChecker } from './store-check.ts';

const LINES: readonly ((small: SmallStore) => string)[] = [
  ({ changed }) => `put ${changed} tree; quit`,
  ({ source, changed }) => `put ${changed} a; sync; put ${source} tree; sync; rm -r a; quit`,
  () => 'gc --grace 0 --rootless',
  () => 'fsck --rebuild-index',
];

/** States that a loss of power may leave, built from a log of all that was written. */
export const lostWritesTorture: Torture = {
  name: 'lost-writes',
  does: 'power failure at any moment: any part of the writes since the last sync of each file and folder is dropped, torn or kept, in any order',
  promise: 'every printed Dirref opens completely; fsck and scrub find nothing',
  fullRounds: 1000,
  unable: shimUnable,
  run,
};

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  const random = makeRandom(limits.seed);
  const shim = makeShim(limits.folder);
  const small = await makeSmallStore(limits.folder, limits.seed);
  const work = join(limits.folder, 'work');
  const store = join(work, 'store');
  const base = join(limits.folder, 'base');
  const log = join(limits.folder, 'log');
  using checker = new StoreChecker();
  while (tally.goesOn) {
    for (const [which, line] of LINES.entries()) {
      // A new log now and then: names of files differ, and how writes fall together.
      rmSync(log, { force: true });
      mkdirSync(work, { recursive: true });
      await copyStore(small.store, store);
      await copyStore(store, base);
      const inodes = await inodesOf(store, base);
      const session = await vtftp(['-S', store, '-c', line(small)], {
        env: { ...small.env, LD_PRELOAD: shim, SHIM_FOLDER: work, SHIM_LOG: log },
      });
      if (session.status !== 0) throw new Error(session.report);
      const steps = parseShimLog(readFileSync(log));
      for (let i = 0; i < 25 && tally.goesOn; i++) {
        const at = random.below(steps.length + 1);
        tally.count(['put', 'several syncs', 'gc', 'index rebuild'][which] ?? '');
        await copyStore(base, store);
        stateAt(steps.slice(0, at), { from: work, to: work, inodes, random });
        const recited = [...small.recited, ...recitedIn(steps.slice(0, at))];
        const wrong = await checker.check({ store, recited });
        if (wrong !== undefined) tally.fault(`power lost at step ${at} of ${steps.length} of "${line(small)}": ${wrong}`);
      }
      if (!tally.goesOn) break;
    }
  }
  return tally.result();
}

/** The inode numbers of a Store's files, to their paths. */
async function inodesOf(store: string, base: string): Promise<Map<number, string>> {
  const found = await runCommand('find', [store, '-type', 'f']);
  const paths = found.stdout.trimEnd().split('\n');
  if (paths.some((path) => statSync(path.replace(store, base), { throwIfNoEntry: false }) === undefined))
    throw new Error('the copy differs');
  return new Map(paths.map((path) => [statSync(path).ino, path]));
}

function recitedIn(steps: readonly DiskStep[]): string[] {
  const printed = Buffer.concat(steps.flatMap((step) => (step.kind === 'print' ? [step.data] : []))).toString();
  const lines = printed.split('\n').slice(0, -1);
  return lines.filter((line) => line.startsWith('D{'));
}
