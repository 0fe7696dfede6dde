import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { noMountsHere } from '../../support/mounts/mounted.ts';
import { run as runProgram, vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';
import { type Committer, committers } from './committers.ts';
import { isRunning, servedBy } from './mounts.ts';

/** Commits that are acknowledged before the kill, at most: a root is recorded each second, so that kills meet some under way. */
const MAX_COMMITS = 40;

/** Databases in a mount whose process is killed. */
export const mountKillTorture: Torture = {
  name: 'mount-kill',
  does: 'SIGKILL of the process that serves a mount while SQLite (WAL, delete, truncate, persist), LMDB, PostgreSQL or git commits in it',
  promise: 'after the next mount every acknowledged commit exists, and the database is intact',
  fullRounds: 200,
  run,
  unable: noMountsHere,
};

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  const random = makeRandom(limits.seed);
  const place = (name: string): string => join(limits.folder, name);
  for (const name of ['home', 'runtime']) mkdirSync(place(name), { recursive: true });
  const identity = {
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@b',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@b',
  };
  const env = { HOME: place('home'), XDG_RUNTIME_DIR: place('runtime'), ...identity };
  const path = place('mnt');
  const session = async (line: string): Promise<void> => {
    const done = await vtftp(['-S', place('store'), '-c', line], { env });
    if (done.status !== 0) tally.fault(`${line}: ${done.report}`);
  };
  const committed = new Map<string, number>();
  const all = committers();
  const able = all.filter(({ unable }) => unable === undefined);
  // Others than root enter the mount.
  chmodSync(limits.folder, 0o711);
  await session(`mount -o sync=1 ${path}`);
  while (tally.goesOn) {
    const { name, work, check } = random.pick(able as [Committer, ...Committer[]]);
    tally.count(name);
    const from = (committed.get(name) ?? 0) + 1;
    const last = await commitUntilKilled(
      work,
      { ...env, FROM: String(from) },
      path,
      servedBy(place('runtime'), path),
      random.below(MAX_COMMITS),
    );
    const acknowledged = Math.max(last ?? 0, from - 1);
    await session(`mount -o sync=1 ${path}`);
    const found = await runProgram('sh', ['-c', check], { cwd: path, env });
    const there = Number(found.stdout.trim());
    if (found.status !== 0 || !(there >= acknowledged)) tally.fault(`${name}: ${acknowledged} was committed; ${found.report}`);
    tally.note('acknowledged commits', acknowledged - from + 1);
    committed.set(name, Math.max(there, acknowledged));
  }
  await session(`umount ${path}`);
  await session('fsck');
  return tally.result(all.flatMap(({ name, unable }) => (unable === undefined ? [] : `${name} not run: ${unable}`)).join(', '));
}

/** Runs a committer until its mount's process is killed after some commits. @returns the last one that it told of */
async function commitUntilKilled(
  work: string,
  env: Readonly<Record<string, string>>,
  path: string,
  pid: number,
  commits: number,
): Promise<number | undefined> {
  const child = spawn('sh', ['-c', work], { cwd: path, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  let isKilled = false;
  child.stdout.setEncoding('latin1').on('data', (part: string) => {
    text += part;
    if (isKilled || text.split('\n').length <= commits) return;
    isKilled = true;
    process.kill(pid, 'SIGKILL');
  });
  await new Promise<void>((resolve) => child.once('close', () => resolve()));
  if (!isKilled) process.kill(pid, 'SIGKILL');
  while (isRunning(pid)) await new Promise<void>((resolve) => setImmediate(resolve));
  const last = text.split('\n').at(-2);
  return last === undefined ? undefined : Number(last);
}
