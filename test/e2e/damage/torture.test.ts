import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { COMMANDS } from '../../../commands/all-commands.ts';
import { faultsTorture } from '../../slow/faults/faults.ts';
import { tailKillTorture } from '../../slow/follow/tail-kill.ts';
import { watchChurnTorture } from '../../slow/follow/watch-churn.ts';
import { locksTorture } from '../../slow/mounts/locks.ts';
import { manyMountsTorture } from '../../slow/mounts/many-mounts.ts';
import { mountKillTorture } from '../../slow/mounts/mount-kill.ts';
import { mountsTorture } from '../../slow/mounts/mounts.ts';
import { oracleTorture } from '../../slow/oracle/oracle.ts';
import { peerKillTorture } from '../../slow/peers/peer-kill.ts';
import { interruptsTorture } from '../../slow/sessions/interrupts.ts';
import { LINES, WITHOUT_LINES } from '../../slow/sessions/session-lines.ts';
import { sessionsTorture } from '../../slow/sessions/sessions.ts';
import { togetherTorture } from '../../slow/sessions/together.ts';
import type { Torture } from '../../slow/torture-kind.ts';
import { TORTURES } from '../../slow/tortures.ts';
import { makeScratch } from '../../support/scratch.ts';

/** Rounds of each: some seconds. `npm run torture` runs them in full. */
const ROUNDS = 6;

/** Of calls that fail: two for each command and Store. */
const FAULT_ROUNDS = 40;

/** Each of these takes seconds itself. */
const WATCH_ROUNDS = 3;
const MOUNT_KILL_ROUNDS = 4;
const MANY_MOUNTS_ROUNDS = 2;

/** Those of a row of their own, and that of locks, which mount-locks.test.ts has. */
const OTHERS = [
  faultsTorture,
  peerKillTorture,
  tailKillTorture,
  watchChurnTorture,
  mountsTorture,
  mountKillTorture,
  locksTorture,
  manyMountsTorture,
  sessionsTorture,
  interruptsTorture,
  togetherTorture,
  oracleTorture,
];

/** Rounds of those that have short ones. */
const SESSIONS_ROUNDS = 60;
const TOGETHER_ROUNDS = 12;
const INTERRUPTS_ROUNDS = 30;

for (const torture of TORTURES.filter((each) => !OTHERS.includes(each)))
  test(`${torture.name}, ${ROUNDS} rounds: ${torture.does}`, async (t) => await runShort(t, torture));

test(`${peerKillTorture.name}, ${ROUNDS} rounds: ${peerKillTorture.does}`, async (t) => await runShort(t, peerKillTorture));

test(`${tailKillTorture.name}, ${ROUNDS} rounds: ${tailKillTorture.does}`, async (t) => await runShort(t, tailKillTorture));

test(`${watchChurnTorture.name}, ${WATCH_ROUNDS} rounds: ${watchChurnTorture.does}`, async (t) =>
  await runShort(t, watchChurnTorture, WATCH_ROUNDS));

test(`${mountsTorture.name}, ${ROUNDS} rounds: ${mountsTorture.does}`, async (t) => await runShort(t, mountsTorture));

test(`${manyMountsTorture.name}, ${MANY_MOUNTS_ROUNDS} rounds: ${manyMountsTorture.does}`, async (t) =>
  await runShort(t, manyMountsTorture, MANY_MOUNTS_ROUNDS));

test(`${mountKillTorture.name}, ${MOUNT_KILL_ROUNDS} rounds: ${mountKillTorture.does}`, async (t) =>
  await runShort(t, mountKillTorture, MOUNT_KILL_ROUNDS));

test(`${sessionsTorture.name}, ${SESSIONS_ROUNDS} rounds: ${sessionsTorture.does}`, async (t) =>
  await runShort(t, sessionsTorture, SESSIONS_ROUNDS));

test(`${togetherTorture.name}, ${TOGETHER_ROUNDS} rounds: ${togetherTorture.does}`, async (t) =>
  await runShort(t, togetherTorture, TOGETHER_ROUNDS));

test(`${interruptsTorture.name}, ${INTERRUPTS_ROUNDS} rounds: ${interruptsTorture.does}`, async (t) =>
  await runShort(t, interruptsTorture, INTERRUPTS_ROUNDS));

test('sessions have a line of every command, or a reason why not', () => {
  for (const { name } of COMMANDS) assert.ok(Object.hasOwn(LINES, name) !== Object.hasOwn(WITHOUT_LINES, name), name);
});

test(`${faultsTorture.name}, ${FAULT_ROUNDS} rounds: ${faultsTorture.does}`, async (t) => await runShort(t, faultsTorture, FAULT_ROUNDS));

async function runShort(t: TestContext, torture: Torture, ofRounds = ROUNDS): Promise<void> {
  const reason = torture.unable?.();
  if (reason !== undefined) {
    t.skip(reason);
    return;
  }
  const scratch = makeScratch(t);
  const faults: string[] = [];
  const seed = Date.now() % 2 ** 31;
  t.diagnostic(`seed ${seed}`);
  const { rounds, notes } = await torture.run({
    rounds: ofRounds,
    maxMs: 120_000,
    seed,
    folder: scratch.folder,
    onFault: (fault) => faults.push(fault),
  });
  t.diagnostic(notes);
  assert.deepEqual(faults, []);
  assert.ok(rounds > 0);
}
