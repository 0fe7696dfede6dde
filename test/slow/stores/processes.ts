import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';
import { makeSmallStore } from './small-store.ts';
import { StoreChecker } from './store-check.ts';

const WRITERS = 8;
/** Where no time is given. */
const FULL_MS = 600_000;

/** Many processes at work in one datadir. */
export const processesTorture: Torture = {
  name: 'processes',
  does: `${WRITERS} processes put and read trees in one datadir at the same time, while another runs gc --grace 0, fsck and scrub in turn`,
  promise: 'each reads what it put; every root is recorded and complete; fsck and scrub find nothing at the end',
  fullRounds: 1e9,
  run,
};

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally({ ...limits, maxMs: Math.min(limits.maxMs, FULL_MS) });
  const small = await makeSmallStore(limits.folder, limits.seed);
  const { store, env } = small;
  const recited: string[] = [...small.recited];
  const work = async (writer: number): Promise<void> => {
    const random = makeRandom(limits.seed + writer);
    const source = join(limits.folder, `source-${writer}`);
    mkdirSync(source);
    // What all put as well, so that all count on Blocks of each other.
    const shared = makeRandom(limits.seed).bytes(40_000);
    for (let i = 0; tally.goesOn; i++) {
      const data = random.bytes(1 + random.below(60_000));
      writeFileSync(join(source, `file-${i % 20}`), data);
      writeFileSync(join(source, 'shared'), Buffer.concat([shared.subarray(0, random.below(40_000)), Buffer.from(`${i % 3}`)]));
      tally.count('puts');
      const put = await vtftp(['-S', store, '-c', `put ${source} writer-${writer}; quit`], { env });
      if (put.status !== 0) tally.fault(put.report);
      recited.push(...put.stdout.split('\n').filter((line) => line.startsWith('D{') && line.endsWith('}')));
      const cat = await vtftp(['-S', store, '-c', `cat writer-${writer}/file-${i % 20}`], { env });
      if (cat.status !== 0 || !cat.stdoutBytes.equals(data))
        tally.fault(`writer ${writer} reads something else: ${cat.report.slice(0, 2000)}`);
    }
  };
  const care = async (): Promise<void> => {
    for (let i = 0; tally.goesOn; i++) {
      const line = ['gc --grace 0 --rootless', 'fsck', 'scrub'][i % 3] ?? '';
      tally.note(line);
      const session = await vtftp(['-S', store, '-c', line], { env });
      if (session.status !== 0) tally.fault(session.report);
    }
  };
  await Promise.all([...Array.from({ length: WRITERS }, (_, writer) => work(writer)), care()]);
  using checker = new StoreChecker();
  const wrong = await checker.check({ store, recited });
  if (wrong !== undefined) tally.fault(wrong);
  return tally.result(`${recited.length} roots`);
}
