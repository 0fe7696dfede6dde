import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { noMountsHere } from '../../support/mounts/mounted.ts';
import { PROGRAM, run as runProgram, vtftp } from '../../support/program.ts';
import { PROJECT_ROOT } from '../../support/project.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';

/** Operations of one round. */
const STEPS = 500;

/** Open files, names, locks and mappings through three mounts of one live tree and a shell; a round is one seed, and a Store of its own. */
export const manyMountsTorture: Torture = {
  name: 'many-mounts',
  does: `${STEPS} random operations (open, write, append, truncate, rename, link, lock, map, …) through three mounts of a live tree and put, mv, cp, rm of an attached shell, compared with bind mounts`,
  promise: 'each ends as on the bind mounts, and all mounts show the same, except for the differences in vtftp(1)',
  fullRounds: 40,
  run,
  unable: noMountsHere,
};

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  while (tally.goesOn) {
    const seed = limits.seed + tally.rounds;
    // Every second round the kernel collects the writes of the first mount.
    const writeback = tally.rounds % 2 === 1;
    tally.count(writeback ? 'seeds with writeback' : 'seeds without');
    await oneSeed(join(limits.folder, String(seed)), seed, writeback, tally);
  }
  return tally.result();
}

async function oneSeed(folder: string, seed: number, writeback: boolean, tally: TortureTally): Promise<void> {
  const place = (name: string): string => join(folder, name);
  for (const name of ['home', 'runtime', 'local/below', 'bound']) mkdirSync(place(name), { recursive: true });
  const env = { HOME: place('home'), XDG_RUNTIME_DIR: place('runtime') };
  const session = async (line: string): Promise<void> => {
    const done = await vtftp(['-S', place('store'), '-c', line], { env });
    if (done.status !== 0) tally.fault(`${line}: ${done.report}`);
  };
  const [a, b, c] = [place('a'), place('b'), place('c')] as const;
  await session(`mkdir below; sync; mount ${writeback ? '' : '-o nowriteback'} ${a}`);
  await session(`mount ${a} ${b}`);
  await session(`mount ${a} ${c} below`);
  const isBound = spawnSync('mount', ['--bind', place('local'), place('bound')]).status === 0;
  const local = place(isBound ? 'bound' : 'local');
  try {
    const script = join(PROJECT_ROOT, 'test/support/mounts/many-mounts.py');
    const shell = [process.execPath, PROGRAM, '--json', '--quiet', a];
    const sides = [a, b, c, ...shell, '--', local, join(local, 'below')];
    const done = await runProgram('python3', [script, String(seed), String(STEPS), writeback ? '1' : '0', ...sides], { env });
    if (done.status !== 0) tally.fault(`${done.report}\nthe log of the mount:\n${logsIn(place('runtime/vtftp/mounts'))}`);
  } finally {
    if (isBound) spawnSync('umount', [place('bound')]);
    await session(`umount ${c} ${b} ${a}`);
  }
  await session('fsck');
  rmSync(folder, { recursive: true });
}

/** What the processes that serve mounts have said. */
function logsIn(folder: string): string {
  const logs = readdirSync(folder).filter((name) => name.endsWith('.log'));
  return logs.map((name) => readFileSync(join(folder, name), 'utf8')).join('');
}
