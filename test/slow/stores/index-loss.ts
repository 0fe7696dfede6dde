import { cpSync, existsSync, readdirSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { recited, vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';
import { copyStore, makeSmallStore } from './small-store.ts';
import { StoreChecker } from './store-check.ts';

/** Octets of the Store whose index is made anew for the figure. */
const FIGURE_SIZE = 64 * 1024 * 1024;

/** What becomes of an index. */
const LOSSES: Readonly<Record<string, (index: string, other: string, portion: number) => void>> = {
  removed: (index) => rmSync(index, { recursive: true }),
  truncated: (index, _, portion) => truncateSync(join(index, 'head'), Math.floor(statSync(join(index, 'head')).size * portion)),
  'of another Store': (index, other) => {
    rmSync(index, { recursive: true });
    cpSync(join(other, 'index'), index, { recursive: true });
  },
};

/** An index that is gone, cut short, or another's. */
export const indexLossTorture: Torture = {
  name: 'index-loss',
  does: 'the index is removed, truncated anywhere, or replaced by that of another Store',
  promise: 'it is rebuilt; every root opens completely; the next put gives the same Dirref',
  fullRounds: 300,
  run,
};

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  const random = makeRandom(limits.seed);
  const small = await makeSmallStore(limits.folder, limits.seed);
  const { env } = small;
  const other = join(limits.folder, 'other');
  const store = join(limits.folder, 'work');
  await vtftp(['-S', other, '-c', `put ${small.changed} other; quit`], { env });
  await copyStore(small.store, store);
  const expected = recited(await vtftp(['-S', store, '-c', `put ${small.changed} tree; quit`], { env }));
  using checker = new StoreChecker();
  while (tally.goesOn) {
    for (const [name, lose] of Object.entries(LOSSES)) {
      if (!tally.goesOn) break;
      tally.count(name);
      await copyStore(small.store, store);
      lose(join(store, 'index'), other, random.below(1000) / 1000);
      const put = await vtftp(['-S', store, '-c', `put ${small.changed} tree; quit`], { env });
      if (put.status !== 0 || recited(put) !== expected) tally.fault(`index ${name}: ${put.report}`);
      const wrong = await checker.check({ store, recited: [...small.recited, expected] });
      if (wrong !== undefined) tally.fault(`index ${name}: ${wrong}`);
    }
  }
  return tally.result(limits.rounds < 50 ? '' : await rebuildFigure(limits.folder, env, random.bytes(FIGURE_SIZE)));
}

async function rebuildFigure(folder: string, env: Readonly<Record<string, string>>, content: Buffer): Promise<string> {
  const store = join(folder, 'figure');
  const file = join(folder, 'content');
  writeFileSync(file, content);
  const put = await vtftp(['-S', store, '-c', `put ${file} file; quit`], { env });
  if (put.status !== 0) throw new Error(put.report);
  const time = async (): Promise<number> => {
    const startMs = performance.now();
    const session = await vtftp(['-S', store, '-c', 'ls; inspect file'], { env });
    if (session.status !== 0) throw new Error(session.report);
    return performance.now() - startMs;
  };
  const withIndexMs = await time();
  renameSync(join(store, 'index'), join(folder, 'index-aside'));
  const withoutMs = await time();
  if (!existsSync(join(store, 'index'))) throw new Error('the index was not made anew');
  const size = readdirSync(join(store, 'data')).reduce((sum, name) => sum + statSync(join(store, 'data', name)).size, 0);
  return `made anew at ${Math.round(size / 1e6 / (Math.max(1, withoutMs - withIndexMs) / 1000))} MB/s`;
}
