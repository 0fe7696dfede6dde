import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { noMountsHere } from '../../support/mounts/mounted.ts';
import { recited, vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { makeShim, shimUnable } from '../stores/shim.ts';
import { copyStore, damageBlocks, makeSmallStore } from '../stores/small-store.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';
import { DAEMON_KINDS } from './daemon-kinds.ts';
import { daemonUnderFaults } from './daemons.ts';
import { FaultControl } from './fault-control.ts';
import { FaultTable } from './fault-table.ts';
import { SessionRunner } from './session-runner.ts';
import { sessionsUnderFaults } from './sessions.ts';
import { makeStoriedStore } from './storied-store.ts';

/** Rounds of which a fifth goes to processes that go on, and more than which none of them needs. */
const MAX_DAEMON_ROUNDS = 250;

/** Every call of the Store fails once, under every command that writes, over every shape of Store. */
export const faultsTorture: Torture = {
  name: 'faults',
  does: 'each open, read, list, write, sync, rename, truncate, mkdir, unlink and link of a Store fails once (EIO, ENOSPC, EDQUOT, EFBIG, EMFILE, a short write) under put, push, pull, gc, repair and an index rebuild over datadir, proxy, spool, progress, tcp and sealed, and under watch, follow, mount and serve',
  promise:
    'each file is stored with its content, or is named and the status is not 0; no crash; fsck and scrub find nothing; a second run, and a process that keeps running, complete',
  fullRounds: 100_000,
  unable: shimUnable,
  run,
};

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  const table = new FaultTable();
  const small = await makeSmallStore(limits.folder, limits.seed, 0.4);
  const near = join(limits.folder, 'near');
  await copyStore(small.store, near);
  const nearRef = recited(await vtftp(['-S', near, '-c', `put ${small.changed} tree; quit`], { env: small.env }));
  const damaged = join(limits.folder, 'damaged');
  await copyStore(small.store, damaged);
  if (damageBlocks(damaged, small.source) === 0) throw new Error('nothing could be damaged');
  const scrubbed = await vtftp(['-S', damaged, '-c', 'scrub'], { env: small.env });
  if (scrubbed.status !== 13) throw new Error(scrubbed.report);
  const storied = await makeStoriedStore(limits.folder, small, makeRandom(limits.seed));
  const sealed = { store: join(limits.folder, 'sealed'), key: join(limits.folder, 'key') };
  for (const line of [
    ['sealed-key', '--new', sealed.key],
    ['-S', `sealed:${sealed.key}:${sealed.store}`, '-c', `put ${small.source} tree; quit`],
  ]) {
    const made = await vtftp(line, { env: small.env });
    if (made.status !== 0) throw new Error(made.report);
  }
  const folder = join(limits.folder, 'ground');
  const scratch = join(limits.folder, 'scratch');
  for (const each of [folder, scratch]) mkdirSync(each);
  using control = new FaultControl(join(limits.folder, 'control'));
  const env = { ...small.env, LD_PRELOAD: makeShim(limits.folder), SHIM_FOLDER: folder, SHIM_CONTROL: control.path };
  using client = new SessionRunner(limits.folder, 'client', env);
  using server = new SessionRunner(limits.folder, 'server', env);
  const shared = { folder, small, control, client, server, tally, table, random: makeRandom(limits.seed) };
  const noMounts = noMountsHere();
  for (const kind of DAEMON_KINDS) {
    if (kind.name === 'mount' && noMounts !== undefined) tally.note(`no mount: ${noMounts}`);
    else await daemonUnderFaults({ ...shared, env, scratch }, kind, Math.min(Math.ceil(limits.rounds / 20), MAX_DAEMON_ROUNDS));
  }
  await sessionsUnderFaults({ ...shared, ground: { small, near, nearRef, damaged, storied, sealed } }, limits.rounds - tally.rounds);
  return tally.result(`\n\n${table.lines().join('\n')}\n\n`);
}
