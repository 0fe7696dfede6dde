import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Run, vtftp } from '../../support/program.ts';
import { makeRandom, type Random } from '../../support/random.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';
import { makeShim, shimUnable } from './shim.ts';
import { copyStore, damageBlocks, makeSmallStore, type SmallStore } from './small-store.ts';
import { StoreChecker } from './store-check.ts';

/** One way in which the program is at work when it is killed. */
interface Scenario {
  readonly name: string;
  /** Lines of the session; `$` names are the paths of this torture. */
  readonly line: (paths: Paths) => string;
  /** Prepares the Store. */
  readonly prepare?: (paths: Paths) => void | Promise<void>;
  /** Whether `line` ends with a Dirref, the same each time. */
  readonly recites: boolean;
  /** What must hold besides, after the kill. */
  readonly after?: (paths: Paths) => string | undefined;
}

interface Paths {
  readonly small: SmallStore;
  readonly store: string;
  readonly good: string;
  readonly target: string;
}

const SCENARIOS: readonly Scenario[] = [
  { name: 'put', recites: true, line: ({ small }) => `put ${small.changed} tree; quit` },
  {
    name: 'sync',
    recites: true,
    line: ({ small }) => `put ${small.changed} tree; sync; put ${small.source} tree; sync; put ${small.changed} tree; quit`,
  },
  { name: 'gc', recites: false, line: () => 'gc --grace 0 --rootless' },
  { name: 'get', recites: false, line: ({ target }) => `get tree ${target}`, after: halfFiles },
  {
    name: 'repair',
    recites: false,
    line: ({ good }) => `repair --from ${good}`,
    prepare: async ({ small, store }) => {
      damageBlocks(store, small.source);
      await vtftp(['-S', store, '-c', 'scrub'], { env: small.env });
    },
  },
  { name: 'index rebuild', recites: false, line: () => 'fsck --rebuild-index' },
];

interface Prepared {
  readonly scenario: Scenario;
  /** The Store that each round begins with. */
  readonly base: string;
  /** Writes, renames, syncs and so on of an undisturbed run. */
  readonly steps: number;
  readonly ms: number;
  readonly dirrefs: readonly string[];
}

/** SIGKILL at every step of what writes, and at random moments. */
export const killTorture: Torture = {
  name: 'kill',
  does: 'SIGKILL before, or half-way through, each write, rename, sync, … in turn, and at random moments of put, sync, gc, get, repair, index rebuild',
  promise:
    'printed Dirrefs open completely; fsck and scrub find nothing; a rerun gives the same Dirref; no incomplete file has its final name',
  fullRounds: 10_000,
  unable: shimUnable,
  run,
};

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  const random = makeRandom(limits.seed);
  const shim = makeShim(limits.folder);
  const small = await makeSmallStore(limits.folder, limits.seed);
  using checker = new StoreChecker();
  const paths: Paths = {
    small,
    store: join(limits.folder, 'work', 'store'),
    good: small.store,
    target: join(limits.folder, 'work', 'out'),
  };
  const prepared: Prepared[] = [];
  for (const scenario of SCENARIOS) prepared.push(await prepare(scenario, paths, shim, limits.folder));
  const steps = prepared.map(() => 0);
  while (tally.goesOn) {
    const which = tally.rounds % prepared.length;
    const chosen = prepared[which];
    if (chosen === undefined) break;
    // Each step comes twice: before it, and half-way through. Every eighth round is at a random moment.
    const isRandom = tally.rounds % 8 === 7 || chosen.steps === 0;
    const turn = steps[which] ?? 0;
    const at = `${1 + (Math.floor(turn / 2) % chosen.steps)}${turn % 2 === 1 ? 'h' : ''}`;
    if (!isRandom) steps[which] = turn + 1;
    tally.count(chosen.scenario.name);
    await round(chosen, isRandom ? undefined : at, { paths, shim, random, checker, tally });
  }
  return tally.result();
}

async function prepare(scenario: Scenario, paths: Paths, shim: string, folder: string): Promise<Prepared> {
  const { store, small } = paths;
  const base = join(folder, `base-${scenario.name.replaceAll(' ', '-')}`);
  const count = join(folder, 'count');
  rmSync(join(folder, 'work'), { recursive: true, force: true });
  mkdirSync(join(folder, 'work'));
  await copyStore(small.store, store);
  await scenario.prepare?.(paths);
  await copyStore(store, base);
  rmSync(count, { force: true });
  const startMs = performance.now();
  const whole = await vtftp(['-S', store, '-c', scenario.line(paths)], {
    env: { ...small.env, LD_PRELOAD: shim, SHIM_FOLDER: join(folder, 'work'), SHIM_COUNT: count },
  });
  if (whole.status !== 0) throw new Error(`undisturbed ${scenario.name}: ${whole.report}`);
  const steps = existsSync(count) ? Number(readFileSync(count).readBigUInt64LE()) : 0;
  return { scenario, base, steps, ms: performance.now() - startMs, dirrefs: dirrefsOf(whole) };
}

interface RoundParts {
  readonly paths: Paths;
  readonly shim: string;
  readonly random: Random;
  readonly checker: StoreChecker;
  readonly tally: TortureTally;
}

async function round({ scenario, base, ms, dirrefs }: Prepared, at: string | undefined, parts: RoundParts): Promise<void> {
  const { paths, shim, random, checker, tally } = parts;
  const { store, target, small } = paths;
  await copyStore(base, store);
  rmSync(target, { recursive: true, force: true });
  const delayMs = random.below(Math.ceil(ms * 1.1));
  const what = `${scenario.name}, killed ${at === undefined ? `after ${delayMs} ms` : `at step ${at}`}`;
  const killed = await vtftp(['-S', store, '-c', scenario.line(paths)], {
    env: { ...small.env, ...(at === undefined ? {} : { LD_PRELOAD: shim, SHIM_FOLDER: join(store, '..'), SHIM_KILL: at }) },
    ...(at !== undefined
      ? {}
      : {
          during: async (program) => {
            // The moment is the matter here: nothing that the program says marks it.
            await wait(delayMs);
            program.kill('SIGKILL');
          },
        }),
  });
  if (killed.signal === 'SIGKILL') tally.note('killed at work');
  else if (killed.status !== 0) tally.fault(`${what}: ${killed.report}`);
  const wrong = scenario.after?.(paths);
  if (wrong !== undefined) tally.fault(`${what}: ${wrong}`);
  // Damage that repair is at work on is found before its end.
  const isDamaged = scenario.name === 'repair';
  const recited = [...small.recited, ...dirrefsOf(killed)];
  const before = isDamaged ? undefined : await checker.check({ store, recited });
  if (before !== undefined) tally.fault(`${what}: ${before}`);
  const again = await vtftp(['-S', store, '-c', scenario.line(paths)], { env: small.env });
  if (again.status !== 0) tally.fault(`${what}, then again: ${again.report}`);
  else if (scenario.recites && dirrefsOf(again).at(-1) !== dirrefs.at(-1)) tally.fault(`${what}: a rerun gives ${dirrefsOf(again).at(-1)}`);
  const after = await checker.check({ store, recited: [...recited, ...dirrefsOf(again)] });
  if (after !== undefined) tally.fault(`${what}, then again: ${after}`);
}

function dirrefsOf({ stdout }: Run): string[] {
  return stdout.split('\n').filter((line) => line.startsWith('D{') && line.endsWith('}'));
}

/** Files of the target that stand under their names and are not as they were put. */
function halfFiles({ target, small }: Paths): string | undefined {
  if (!existsSync(target)) return undefined;
  for (const entry of readdirSync(target, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const source = join(small.source, relative(target, path));
    if (!entry.isFile() || statSync(source, { throwIfNoEntry: false }) === undefined) continue;
    if (!readFileSync(path).equals(readFileSync(source))) return `"${path}" is half there`;
  }
  return undefined;
}
