import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { VtError } from '../../../core/base/errors.ts';
import { hashcodeLabel } from '../../../core/block/hashcode.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { parseReference } from '../../../core/dirent/reference.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { SyncProcess } from '../../../core/sync/sync-process.ts';
import type { Served } from '../../support/links/served-program.ts';
import { serve } from '../../support/links/served-program.ts';
import { recited, vtftp } from '../../support/program.ts';
import { makeRandom, type Random } from '../../support/random.ts';
import { makeTree } from '../../support/trees/make-tree.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';

/** Milliseconds from the estimate, or from the start, to the kill, at most. */
const MAX_AFTER_ESTIMATE_MS = 120;
const MAX_AFTER_START_MS = 700;

/** Octets of the large file: what takes long enough to be killed in the middle of it. */
const LARGE_SIZE = 12 * 1024 * 1024;

/** Kills while the same Store is filled, at most; then it is filled to the end. */
const MOST_KILLS_A_STORE = 6;

/** A push or pull through a socket of which either side is killed. */
export const peerKillTorture: Torture = {
  name: 'peer-kill',
  does: 'SIGKILL of either side of a push or pull through a served socket at random moments, repeatedly',
  promise: 'every Block of the receiver matches its digest, and an undisturbed rerun completes the tree',
  fullRounds: 1000,
  run,
};

/** A Store with a tree, and what names the tree. */
interface Source {
  readonly store: string;
  readonly dirref: string;
  readonly root: Dirent;
}

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  const random = makeRandom(limits.seed);
  const endings: (() => void)[] = [];
  const env = { HOME: join(limits.folder, 'home'), XDG_RUNTIME_DIR: join(limits.folder, 'run') };
  for (const folder of Object.values(env)) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const scratch = { env, beforeRemoval: (end: () => void) => void endings.push(end) };
  let moved = 0;
  try {
    const source = await makeSource(limits, env);
    for (let number = 0; tally.goesOn; number++) {
      const receiver = join(limits.folder, `receiver-${number}`);
      const made = await vtftp(['-S', receiver, '-c', 'mkdir own; quit'], { env });
      if (made.status !== 0) tally.fault(made.report);
      moved += await fill(source, receiver, { random, tally, env, scratch, socket: join(env.XDG_RUNTIME_DIR, `${number}.sock`) });
      if (tally.faults === 0) rmSync(receiver, { recursive: true, force: true });
    }
  } finally {
    for (const end of endings) end();
  }
  return tally.result(`${moved} Blocks found and verified after kills`);
}

async function makeSource({ folder, seed }: TortureLimits, env: Readonly<Record<string, string>>): Promise<Source> {
  const tree = join(folder, 'tree');
  makeTree(tree, { files: 200, seed, extras: false });
  writeFileSync(join(tree, 'large'), randomBytes(LARGE_SIZE));
  const store = join(folder, 'source');
  const dirref = recited(await vtftp(['-S', store, '-c', `put ${tree} tree; quit`], { env }));
  const reference = parseReference(dirref);
  if (reference.kind !== 'dirent') throw new Error(`no Dirref: ${dirref}`);
  return { store, dirref, root: reference.dirent };
}

interface Round {
  readonly random: Random;
  readonly tally: TortureTally;
  readonly env: Readonly<Record<string, string>>;
  readonly scratch: Parameters<typeof serve>[0];
  readonly socket: string;
}

/** Fills one Store from the other under kills, and then without. @returns Blocks that were verified */
async function fill(source: Source, receiver: string, { random, tally, env, scratch, socket }: Round): Promise<number> {
  const isPush = random.chance(50);
  let served: Served | undefined;
  let verified = 0;
  const transfer = async (
    kill?: (program: { kill: (signal: NodeJS.Signals) => void; printed: (text: string) => Promise<void> }) => Promise<void>,
  ) => {
    served ??= await serve(scratch, isPush ? receiver : source.store, `serve unix:${socket}`);
    const peer = `--peer unix:${socket}`;
    const args = isPush ? ['-S', source.store, '-c', `push -b ${peer}`] : ['-S', receiver, source.dirref, '-c', `pull ${peer}`];
    return await vtftp(args, { env, ...(kill === undefined ? {} : { during: kill }) });
  };
  for (let kills = 1 + random.below(MOST_KILLS_A_STORE); kills > 0 && tally.goesOn; kills--) {
    const isServer = random.chance(50);
    const broken = await transfer(async (program) => {
      if (random.chance(80)) await program.printed('missing');
      // The moment is the matter here: nothing the program says marks it.
      await delay(random.below(random.chance(80) ? MAX_AFTER_ESTIMATE_MS : MAX_AFTER_START_MS));
      if (!isServer) program.kill('SIGKILL');
      else {
        await served?.stop('SIGKILL');
        served = undefined;
      }
    });
    tally.count(`${isPush ? 'push' : 'pull'}: ${isServer ? 'server' : 'client'} killed`);
    if (broken.status === 0) tally.note('done before');
    else if (isServer ? broken.status === undefined : broken.signal !== 'SIGKILL') tally.fault(broken.report);
    verified += await verify(receiver, tally);
  }
  const last = await transfer();
  if (last.status !== 0) tally.fault(`a rerun: ${last.report}`);
  await served?.stop();
  await requireWhole(receiver, source.root, tally);
  return verified;
}

/** Reads every Block that the Store says it has. */
async function verify(path: string, tally: TortureTally): Promise<number> {
  await using store = await openDatadir(path);
  let count = 0;
  for await (const hashcode of store.hashcodes()) {
    count++;
    try {
      if ((await store.get(hashcode)) === undefined) tally.fault(`${path}: ${hashcodeLabel(hashcode)} is listed, and not there`);
    } catch (error) {
      if (!(error instanceof VtError)) throw error;
      tally.fault(`${path}: ${error.message}`);
    }
  }
  return count;
}

/** Walks the tree, whatever is noted of it. */
async function requireWhole(path: string, root: Dirent, tally: TortureTally): Promise<void> {
  await using store = await openDatadir(path);
  const walk = new SyncProcess(store, new MemoryStore({ hashName: store.hashName }), { near: 'from' });
  await walk.estimateDirent(root);
  await walk.transfer();
  for (const { path: harmed, error } of walk.faults) tally.fault(`${path}: ${harmed}: ${error.message}`);
}
