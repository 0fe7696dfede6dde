import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../support/random.ts';
import { copyStore, type SmallStore } from '../stores/small-store.ts';
import { StoreChecker } from '../stores/store-check.ts';
import type { TortureTally } from '../torture-kind.ts';
import { CALLS, type Call, FAILINGS, type Failing, type FaultControl } from './fault-control.ts';
import type { FaultTable } from './fault-table.ts';
import type { SessionRunner } from './session-runner.ts';
import { differenceOf, localFiles, storedFiles } from './stored-files.ts';

/** What long-lived processes under faults are made of. */
export interface DaemonFaults {
  /** Calls fail below this folder alone. */
  readonly folder: string;
  /** Where local files and mount points are. */
  readonly scratch: string;
  readonly small: SmallStore;
  readonly control: FaultControl;
  /** Of a program in which calls fail. */
  readonly env: Readonly<Record<string, string>>;
  readonly client: SessionRunner;
  readonly server: SessionRunner;
  readonly tally: TortureTally;
  readonly table: FaultTable;
  readonly random: Random;
}

/** A long-lived process over one Store, while a test runs it. */
export interface Daemon {
  /** Changes something; what is to be stored then is in `local`. Gives what is wrong at once, as an error without its reason. */
  change(round: number): Promise<string | undefined>;
  /** Has what failed tried again, where that is up to its user. */
  retry?(): Promise<string | undefined>;
  /** Ends it in good order. @returns what is wrong */
  end(): Promise<string | undefined>;
}

/** One kind of long-lived process. */
export interface DaemonKind {
  readonly name: string;
  /** What of the tree it keeps. */
  readonly target: string;
  begin(faults: DaemonFaults, store: string, local: string): Promise<Daemon>;
}

/** Rounds with one Store. */
const ROUNDS_A_STORE = 25;

/** Until all is stored that was changed: milliseconds. */
const MAX_WAIT_MS = 20_000;

/** Lets one call after the other fail in a process that goes on: what was to be stored then is stored, by the same process, in the end. */
export async function daemonUnderFaults(faults: DaemonFaults, kind: DaemonKind, rounds: number): Promise<void> {
  using checker = new StoreChecker();
  for (let round = 0; round < rounds && faults.tally.goesOn; round += ROUNDS_A_STORE)
    await someRounds(faults, checker, kind, Math.min(rounds - round, ROUNDS_A_STORE));
}

let stores = 0;

async function someRounds(faults: DaemonFaults, checker: StoreChecker, kind: DaemonKind, rounds: number): Promise<void> {
  const { control, tally, table, random } = faults;
  const name = `${kind.name}-${stores++}`;
  const store = join(faults.folder, name);
  const local = join(faults.scratch, name);
  mkdirSync(local, { recursive: true });
  await copyStore(faults.small.store, store);
  control.disarm();
  const daemon = await kind.begin(faults, store, local);
  let counts: ReadonlyMap<Call, number> = new Map();
  let wrongs = 0;
  for (let round = 0; round <= rounds && tally.goesOn; round++) {
    // The first without a fault tells how many calls there are.
    const fault = round === 0 ? undefined : pickFault(counts, random);
    if (fault !== undefined) control.arm(fault.call, fault.n, fault.failing);
    else control.disarm();
    const wrong = [await daemon.change(round)];
    if (fault === undefined) counts = control.counts();
    wrong.push(await stored(daemon, store, kind.target, local));
    if (fault === undefined) counts = larger(counts, control.counts());
    const { hasFired } = control;
    control.disarm();
    const found = wrong.filter((what) => what !== undefined);
    if (fault === undefined) {
      if (found.length > 0) throw new Error(`${kind.name} without a fault: ${found.join('\n')}`);
      continue;
    }
    tally.rounds++;
    table.add(kind.name, { status: found.length === 0 ? 0 : undefined, hasFired, isWrong: found.length > 0 });
    if (found.length === 0) continue;
    wrongs++;
    tally.fault(`${kind.name}, round ${round}: ${fault.call} ${fault.n} fails with ${fault.failing}: ${found.join('\n')}`);
    break;
  }
  const ended = await daemon.end();
  if (ended !== undefined) tally.fault(`${kind.name}, at its end: ${ended}`);
  const harmed = await checker.check({ store, recited: [] });
  if (harmed !== undefined) tally.fault(`${kind.name}, ${store}: ${harmed}`);
  if (wrongs === 0 && harmed === undefined) for (const path of [store, local]) rmSync(path, { recursive: true, force: true });
}

function pickFault(counts: ReadonlyMap<Call, number>, random: Random): { call: Call; n: number; failing: Failing } | undefined {
  const [first, ...others] = CALLS.filter((call) => (counts.get(call) ?? 0) > 0);
  if (first === undefined) return undefined;
  const call = random.pick([first, ...others]);
  const failings = FAILINGS[call];
  return { call, n: 1 + random.below(counts.get(call) ?? 1), failing: failings[random.below(failings.length)] ?? 'EIO' };
}

function larger(a: ReadonlyMap<Call, number>, b: ReadonlyMap<Call, number>): ReadonlyMap<Call, number> {
  return new Map(CALLS.map((call) => [call, Math.max(a.get(call) ?? 0, b.get(call) ?? 0)]));
}

/** Waits until what is stored is what is there. @returns how they differ, where that does not come */
async function stored(daemon: Daemon, store: string, target: string, local: string): Promise<string | undefined> {
  let difference: string | undefined;
  for (const endMs = performance.now() + MAX_WAIT_MS; performance.now() < endMs; await delay(20)) {
    const wrong = await daemon.retry?.();
    if (wrong !== undefined) return wrong;
    try {
      difference = differenceOf(await storedFiles(store, target), localFiles(local));
    } catch (error) {
      // It is being written to.
      difference = String(error);
    }
    if (difference === undefined) return undefined;
  }
  return `after ${MAX_WAIT_MS / 1000} s ${difference}`;
}
