import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readDatadirFormat } from '../../../core/datadir/datadir-format.ts';
import { vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { makeTree } from '../../support/trees/make-tree.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';

/** Kills before it is left alone, at most. */
const MOST_KILLS = 6;
/** Octets of the large file: what takes long enough to be killed in the middle of it. */
const LARGE_SIZE = 6 * 1024 * 1024;
const HASH = 'sha3-256';

/** A transition that is killed, and does it again. */
export const transitionKillTorture: Torture = {
  name: 'transition-kill',
  does: 'SIGKILL of a transition to another hash function at random moments, repeatedly',
  promise: 'an undisturbed rerun gives the same states; every Block is verified, and every old Dirref opens',
  fullRounds: 200,
  run: async (limits) => await run(limits, false),
};

/** The same of a transition in place. */
export const inPlaceKillTorture: Torture = {
  name: 'in-place-kill',
  does: 'SIGKILL of a transition in place at random moments, most of them near its end, repeatedly',
  promise:
    'after each kill the Store is complete under one of the two hash functions; a rerun gives the same states, and every old Dirref opens',
  fullRounds: 200,
  run: async (limits) => await run(limits, true),
};

async function run(limits: TortureLimits, isInPlace: boolean): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  const random = makeRandom(limits.seed);
  const env = { HOME: join(limits.folder, 'home'), XDG_RUNTIME_DIR: join(limits.folder, 'run') };
  for (const folder of Object.values(env)) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const at = (name: string): string => join(limits.folder, name);
  const [tree, source, target, whole] = [at('tree'), at('source'), at('target'), at('whole')];
  const on = async (store: string, commands: string): Promise<void> => {
    const done = await vtftp(['-S', store, '-c', commands], { env });
    if (done.status !== 0) tally.fault(`${commands}: ${done.report}`);
  };
  makeTree(tree, { files: 60, seed: limits.seed, extras: true });
  await on(`datadir:${source},hash=sha1`, `put ${tree} tree; sync; tag first; quit`);
  writeFileSync(join(tree, 'large'), random.bytes(LARGE_SIZE));
  await on(source, `put ${tree} tree; sync; cp tree again; quit`);
  /** What is killed: in place it changes the Store that it is given. */
  const work = (made: string): readonly string[] =>
    isInPlace ? ['-S', made, '-c', `transition ${HASH}`] : ['-S', source, '-c', `transition ${HASH} ${made}`];
  const begin = (made: string): void => {
    rmSync(made, { recursive: true, force: true });
    if (isInPlace) cpSync(source, made, { recursive: true });
  };
  begin(whole);
  const startedMs = performance.now();
  const first = await vtftp(work(whole), { env });
  if (first.status !== 0) tally.fault(first.report);
  const fullMs = performance.now() - startedMs;
  const lines = (store: string): string => readFileSync(join(store, 'archives/default.vt'), 'latin1');
  const opens = lines(source)
    .split('\n')
    .flatMap((line) => line.split(' ')[2] ?? [])
    .map((dirref) => `open ${dirref}; find . > /dev/null`);
  const isDone = (): boolean => isInPlace && readDatadirFormat(target)?.hashName === HASH;
  while (tally.goesOn && tally.faults === 0) {
    begin(target);
    for (let kills = random.below(MOST_KILLS) + 1; kills > 0 && tally.goesOn && !isDone(); kills--) {
      const broken = await vtftp(work(target), {
        env,
        during: async (program) => {
          // The moment is the matter here: nothing the program says marks it.
          const early = isInPlace && random.chance(60) ? fullMs * 0.6 : 0;
          await delay(early + random.below(Math.ceil(fullMs - early)));
          program.kill('SIGKILL');
        },
      });
      if (broken.signal !== 'SIGKILL' && broken.status !== 0) tally.fault(broken.report);
      const wasEnding = isInPlace && readDatadirFormat(target)?.becoming !== undefined;
      tally.count(broken.signal !== 'SIGKILL' ? 'done before' : wasEnding ? 'killed at its end' : 'killed at work');
      if (isInPlace) await on(target, 'fsck');
    }
    if (!isDone()) await on(isInPlace ? target : source, `transition ${HASH} ${isInPlace ? '' : target} --verify`);
    if (lines(target) !== lines(whole)) tally.fault('the states are not those of a transition that was left alone');
    await on(target, ['fsck; scrub', ...opens].join('; '));
  }
  return tally.result();
}
