import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../support/random.ts';
import { shuffled } from '../../support/shuffled.ts';
import { StoreChecker } from '../stores/store-check.ts';
import type { TortureTally } from '../torture-kind.ts';
import { CALLS, type Call, FAILINGS, type Failing, type FaultControl } from './fault-control.ts';
import type { FaultTable } from './fault-table.ts';
import { datadirsOf, type Ground, SCENARIOS, type Scenario, SHAPES, type Shape } from './scenarios.ts';
import type { SessionRun, SessionRunner } from './session-runner.ts';

/** What sessions under faults are made of. */
export interface SessionFaults {
  /** Calls fail below this folder alone. */
  readonly folder: string;
  readonly ground: Omit<Ground, 'folder'>;
  readonly control: FaultControl;
  /** Sessions in which calls fail. */
  readonly client: SessionRunner;
  /** One that serves a Store, in which calls fail too. */
  readonly server: SessionRunner;
  readonly tally: TortureTally;
  readonly table: FaultTable;
  readonly random: Random;
}

/** A session with a call that fails in it. */
interface Case {
  readonly scenario: Scenario;
  readonly shape: Shape;
  readonly call: Call;
  readonly n: number;
  readonly failing: Failing;
  /** What it recites where nothing fails. */
  readonly expected: string | undefined;
}

/** Runs each command over each shape of Store while one call fails, for each call in turn, or for some of them; in an order of the seed. */
export async function sessionsUnderFaults(faults: SessionFaults, rounds: number): Promise<void> {
  using checker = new StoreChecker();
  const pairs = shuffled(
    SCENARIOS.flatMap((scenario) => SHAPES.filter(({ name }) => scenario.shapes.includes(name)).map((shape) => ({ scenario, shape }))),
    faults.random,
  );
  const cases: Case[] = [];
  for (const [i, { scenario, shape }] of pairs.entries()) {
    const some = Math.ceil((rounds - cases.length) / (pairs.length - i));
    if (some > 0) cases.push(...shuffled(await casesOf(faults, scenario, shape), faults.random).slice(0, some));
  }
  for (const each of shuffled(cases, faults.random)) {
    if (!faults.tally.goesOn) return;
    await runCase(faults, checker, each);
  }
}

/** A run without faults tells how many calls there are. */
async function casesOf(faults: SessionFaults, scenario: Scenario, shape: Shape): Promise<Case[]> {
  const ground = makeGround(faults, `${scenario.name} ${shape.name}`);
  await scenario.prepare(ground, shape);
  let counts: ReadonlyMap<Call, number> = new Map();
  const run = await session(faults, ground, scenario, shape, {
    before: () => faults.control.disarm(),
    after: () => {
      counts = faults.control.counts();
    },
  });
  rmSync(ground.folder, { recursive: true });
  if (run.status !== 0) throw new Error(`without a fault: ${run.report}`);
  const expected = dirrefOf(run);
  return CALLS.flatMap((call) =>
    Array.from({ length: counts.get(call) ?? 0 }, (_, i) =>
      FAILINGS[call].map((failing) => ({ scenario, shape, call, n: i + 1, failing, expected })),
    ).flat(),
  );
}

let grounds = 0;

/** A new folder each time: what is opened in a process is known by its path. */
function makeGround({ folder, ground }: SessionFaults, name: string): Ground {
  const own = join(folder, `${name.replaceAll(' ', '-')}-${grounds++}`);
  mkdirSync(own, { recursive: true });
  return { ...ground, folder: own };
}

/** Runs the command of a scenario, with a server where the shape has one. */
async function session(
  { client, server }: SessionFaults,
  ground: Ground,
  scenario: Scenario,
  shape: Shape,
  moments: { readonly before: () => void; readonly after: () => void },
): Promise<SessionRun> {
  if (shape.specification !== undefined) {
    moments.before();
    const run = await client.run(scenario.args(ground, shape.specification(ground)));
    moments.after();
    return run;
  }
  const serving = server.run(['-S', join(ground.folder, 'a'), '-c', 'serve tcp:0']);
  const [, address] = (await server.awaitPrinted(/^serving (\S+)\n/m, 20_000)) ?? [];
  if (address === undefined) throw new Error(`it does not serve: ${(await serving).report}`);
  moments.before();
  const run = await client.run(scenario.args(ground, address));
  server.signal('SIGTERM');
  const served = await serving;
  moments.after();
  const report = `${run.report}\n--- server\n${served.report}`;
  return { ...run, ...(served.status === undefined ? { status: undefined } : {}), report };
}

async function runCase(faults: SessionFaults, checker: StoreChecker, { scenario, shape, call, n, failing, expected }: Case): Promise<void> {
  const { control, tally, table } = faults;
  const ground = makeGround(faults, `${scenario.name} ${shape.name}`);
  await scenario.prepare(ground, shape);
  let hasFired = false;
  const run = await session(faults, ground, scenario, shape, {
    before: () => control.arm(call, n, failing),
    after: () => {
      hasFired = control.hasFired;
      control.disarm();
    },
  });
  tally.rounds++;
  const wrong = [...wrongIn(run, scenario, expected), ...(await checkStores(checker, ground, scenario, shape, run))];
  // A second run without faults completes.
  const again = await session(faults, ground, scenario, shape, { before: () => control.disarm(), after: () => undefined });
  if (again.status !== 0) wrong.push(`then without a fault: ${again.report}`);
  else wrong.push(...(await checkStores(checker, ground, scenario, shape, again)).map((what) => `then without a fault: ${what}`));
  if (wrong.length > 0)
    tally.fault(`${scenario.name}, ${shape.name}: ${call} ${n} fails with ${failing}: ${wrong.join('\n')}\n${run.report}`);
  table.add(`${scenario.name}, ${shape.name}`, { status: run.status, hasFired, isWrong: wrong.length > 0 });
  if (wrong.length === 0) rmSync(ground.folder, { recursive: true, force: true });
}

/** What is wrong with how a session ended. */
function wrongIn(run: SessionRun, scenario: Scenario, expected: string | undefined): string[] {
  if (run.status === undefined) return ['it did not end by itself'];
  const wrong: string[] = [];
  if (/^\s+at .*:\d+:\d+/m.test(run.stderr)) wrong.push('a stack is shown');
  if (run.status !== 0 && run.stderr.trim() === '') wrong.push('no word of why');
  if (run.status === 0 && scenario.recites && dirrefOf(run) !== expected)
    wrong.push(`status 0, and not the tree that was to come: ${expected}`);
  return wrong;
}

/** What is wrong with the Stores after a session. */
async function checkStores(checker: StoreChecker, ground: Ground, scenario: Scenario, shape: Shape, run: SessionRun): Promise<string[]> {
  // Damage that was there before stays where repair fails.
  if (scenario.isDamaged === true && run.status !== 0) return [];
  const recited = scenario.recites && run.status !== undefined ? dirrefOf(run) : undefined;
  const whole = run.status === 0 ? (scenario.whole?.(ground) ?? recited) : recited;
  const key = shape.isSealed === true ? ground.sealed.key : undefined;
  const stores = datadirsOf(ground, shape);
  const wrong: string[] = [];
  for (const store of stores) {
    const others = shape.datadirs.length === 1 ? [] : stores.filter((other) => other !== store);
    const found = await checker.check({
      store,
      recited: recited === undefined ? [] : [recited],
      others,
      key,
      whole: shape.eachIsWhole ? undefined : whole,
    });
    if (found !== undefined) wrong.push(`${store}: ${found}`);
    if (!shape.eachIsWhole || whole === undefined) continue;
    const part = await checker.check({ store, recited: [], whole, key, scrub: false });
    if (part !== undefined) wrong.push(`${store} is not whole: ${part}`);
  }
  return wrong;
}

function dirrefOf({ stdout }: SessionRun): string | undefined {
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  return last.startsWith('D{') && last.endsWith('}') ? last : undefined;
}
