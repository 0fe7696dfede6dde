import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { noMountsHere } from '../../support/mounts/mounted.ts';
import { run as runProgram, vtftp } from '../../support/program.ts';
import { PROJECT_ROOT } from '../../support/project.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';

/** Steps of one round. */
const STEPS = 400;

/** Locks through three mounts of one live tree; a round is one seed. */
export const locksTorture: Torture = {
  name: 'locks',
  does: 'processes on three mounts of a live tree set, wait for and drop random locks, and are signalled and killed, compared with a local folder',
  promise: 'each call ends as on the local folder',
  fullRounds: 100,
  run,
  unable: noMountsHere,
};

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  const place = (name: string): string => join(limits.folder, name);
  for (const name of ['home', 'runtime', 'local']) mkdirSync(place(name), { recursive: true });
  const env = { HOME: place('home'), XDG_RUNTIME_DIR: place('runtime') };
  const session = async (line: string): Promise<void> => {
    const done = await vtftp(['-S', place('store'), '-c', line], { env });
    if (done.status !== 0) tally.fault(`${line}: ${done.report}`);
  };
  const [first = '', ...others] = ['first', 'second', 'third'].map(place);
  await session(`mount ${first}`);
  for (const other of others) await session(`mount ${first} ${other}`);
  const files = ['f0', 'f1', 'f2'];
  for (const name of files) writeFileSync(join(place('local'), name), '');
  await runProgram('touch', files, { cwd: first });
  const script = join(PROJECT_ROOT, 'test/support/mounts/locks.py');
  while (tally.goesOn) {
    const seed = String(limits.seed + tally.rounds);
    tally.count('seeds');
    const done = await runProgram('python3', [script, seed, String(STEPS), first, ...others, '--', place('local')]);
    if (done.status !== 0) tally.fault(done.report);
    const [, waits = '0', deadlocks = '0'] = /(\d+) waits; (\d+) deadlocks/.exec(done.stdout) ?? [];
    tally.note('waits', Number(waits));
    tally.note('deadlocks', Number(deadlocks));
  }
  await session(`umount ${[...others, first].join(' ')}`);
  return tally.result();
}
