import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeTree } from '../support/make-tree.ts';
import { vtftp } from '../support/program.ts';
import { makeRandom } from '../support/random.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from './torture-kind.ts';

/** Kills while the same Store is filled, at most; then it is filled to the end. */
const MOST_KILLS_A_STORE = 6;
/** Octets of the large file: what takes long enough to be killed in the middle of it. */
const LARGE_SIZE = 12 * 1024 * 1024;

/** A transition that is killed, and does it again. */
export const transitionKillTorture: Torture = {
  name: 'transition-kill',
  does: 'SIGKILL of a transition to another hash function at random moments; the same again and again',
  promise: 'a rerun that is left alone gives the same states; every Block is verified, and every old Dirref opens',
  fullRounds: 200,
  run,
};

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  const random = makeRandom(limits.seed);
  const env = { HOME: join(limits.folder, 'home'), XDG_RUNTIME_DIR: join(limits.folder, 'run') };
  for (const folder of Object.values(env)) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [tree, source, target, whole] = ['tree', 'source', 'target', 'whole'].map((name) => join(limits.folder, name)) as [
    string,
    string,
    string,
    string,
  ];
  const on = async (store: string, commands: string): Promise<string> => {
    const done = await vtftp(['-S', store, '-c', commands], { env });
    if (done.status !== 0) tally.fault(`${commands}: ${done.report}`);
    return done.stdout;
  };
  makeTree(tree, { files: 150, seed: limits.seed, extras: true });
  await on(`datadir:${source},hash=sha1`, `put ${tree} tree; sync; tag first; quit`);
  writeFileSync(join(tree, 'large'), random.bytes(LARGE_SIZE));
  await on(source, `put ${tree} tree; sync; cp tree again; quit`);
  const started = performance.now();
  await on(source, `transition sha3-256 ${whole}`);
  const fullMs = performance.now() - started;
  const lines = (store: string): string => readFileSync(join(store, 'archives/default.vt'), 'latin1');
  const dirrefs = lines(source)
    .split('\n')
    .flatMap((line) => line.split(' ')[2] ?? []);
  while (tally.goesOn) {
    for (let kills = random.below(MOST_KILLS_A_STORE) + 1; kills > 0 && tally.goesOn; kills--) {
      const broken = await vtftp(['-S', source, '-c', `transition sha3-256 ${target}`], {
        env,
        during: async (program) => {
          // The moment is the matter here: nothing the program says marks it.
          await delay(random.below(Math.ceil(fullMs)));
          program.kill('SIGKILL');
        },
      });
      if (broken.signal !== 'SIGKILL' && broken.status !== 0) tally.fault(broken.report);
      tally.count(broken.signal === 'SIGKILL' ? 'killed at work' : 'done before');
    }
    await on(source, `transition sha3-256 ${target} --verify`);
    if (lines(target) !== lines(whole)) tally.fault('the states are not those of a transition that was left alone');
    await on(target, 'fsck; scrub');
    for (const dirref of dirrefs) await on(target, `open ${dirref}; find . > /dev/null`);
    if (tally.faults === 0) rmSync(target, { recursive: true, force: true });
  }
  return tally.result();
}
