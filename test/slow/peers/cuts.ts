import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Cut } from '../../support/links/cutting-relay.ts';
import { noMountsHere } from '../../support/mounts/mounted.ts';
import type { Run } from '../../support/program.ts';
import { vtftp } from '../../support/program.ts';
import { makeRandom, type Random } from '../../support/random.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';
import { CUT_STATUSES, on, type Place, type Way, waysTo } from './cut-ways.ts';
import { mountRound } from './cuts-mount.ts';

/** Octets of what changes in a round, at most. */
const MAX_CHANGE = 512 * 1024;
/** Files that a Store is given at a time. */
const MOST_FILES = 12;
/** Connections of a command that are cut, at most: it makes a lost one anew. */
const MOST_CUTS = 3;
/** Most stalls are short; of hundred these are longer than what is silent may be untold. */
const MAX_STALL_MS = 400;
const LONG_STALL_MS = 11_000;
const LONG_STALLS = 2;
/** Milliseconds after which a client is killed, at most. */
const MAX_KILL_MS = 900;
/** Of hundred rounds, those of mounts. */
const MOUNTS = 25;

/** Connections by ssh, TCP and TLS that end or stall in the middle of push, pull and merge, and clients that are killed. */
export const cutsTorture: Torture = {
  name: 'cuts',
  does: 'connections of push, pull, merge and mounts over ssh, TCP and TLS are cut or stall after a random number of bytes, or the client is killed',
  promise:
    'the documented status and an error that names the peer; repeating the command completes the transfer; a mount continues and loses no accepted data',
  fullRounds: 200,
  unable: () => (existsSync('/usr/sbin/sshd') ? undefined : 'there is no sshd'),
  run,
};

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  const random = makeRandom(limits.seed);
  const { folder } = limits;
  const place: Place = { folder, env: { HOME: join(folder, 'home'), XDG_RUNTIME_DIR: join(folder, 'run') } };
  for (const made of Object.values(place.env)) mkdirSync(made, { recursive: true, mode: 0o700 });
  const endings: (() => void)[] = [];
  try {
    await on(place, 'server', 'mkdir own; quit');
    for (const store of ['a', 'b']) await on(place, store, `pull -p ${join(folder, 'server')}; mkdir of-${store}; quit`);
    const ways = await waysTo(place, endings);
    const canMount = noMountsHere() === undefined;
    // One that a fault has left.
    if (canMount) endings.unshift(() => void spawnSync('umount', ['-l', join(folder, 'mnt')]));
    while (tally.goesOn) {
      const way = random.pick(ways);
      const cuts = someCuts(random);
      if (canMount && random.chance(MOUNTS)) await mountRound(place, random, way, cuts, tally);
      else await oneRound(place, random, way, cuts, tally);
    }
    for (const { relay } of ways) await relay[Symbol.asyncDispose]();
  } finally {
    for (const end of endings) end();
  }
  return tally.result();
}

function someCuts(random: Random): Cut[] {
  return Array.from({ length: 1 + random.below(MOST_CUTS) }, () => {
    const afterBytes = random.chance(30) ? random.below(4000) : random.below(MAX_CHANGE);
    const stallMs = random.chance(LONG_STALLS) ? LONG_STALL_MS : 1 + random.below(MAX_STALL_MS);
    return { afterBytes, kind: random.chance(60) ? ('end' as const) : ('stall' as const), stallMs };
  });
}

async function oneRound(
  place: Place,
  random: Random,
  { name, specification, relay }: Way,
  cuts: readonly Cut[],
  tally: TortureTally,
): Promise<void> {
  const store = random.pick(['a', 'b']);
  change(place, store, random);
  const peer = shellWord(specification);
  const command = random.pick([`merge ${peer}`, `merge ${peer}; push -p ${peer}`, `pull -p ${peer}`, `push -p ${peer}`]);
  const line = `put files-${store}; ${command}; quit`;
  relay.plan(cuts);
  const isKilled = random.chance(20);
  const during = isKilled
    ? {
        // The moment is the matter here: nothing the program says marks it.
        during: async (program: { kill(signal: NodeJS.Signals): void }) => {
          await delay(random.below(MAX_KILL_MS));
          program.kill('SIGKILL');
        },
      }
    : {};
  const cut = await vtftp(['-S', join(place.folder, store), '-c', line], { env: place.env, cwd: place.folder, ...during });
  tally.count(`${name}: ${isKilled ? 'killed' : relay.made > 0 ? 'cut' : 'not cut'}`);
  tally.note('cuts', relay.made);
  if (!isKilled || cut.signal === undefined) {
    if (!CUT_STATUSES.includes(cut.status ?? -1)) tally.fault(`${line}\n${cut.report}`);
    else if (cut.status !== 0 && !/127\.0\.0\.1|states that are not here|there are states here/.test(cut.stderr))
      tally.fault(`names no peer: ${cut.report}`);
  }
  relay.plan([]);
  await settle(place, store, peer, tally);
}

/** As the shell's own lines read it. */
function shellWord(text: string): string {
  return `"${text.replaceAll('"', '\\"')}"`;
}

/** Brings a Store and the server together, which nothing disturbs now, and looks at both. */
async function settle(place: Place, store: string, peer: string, tally: TortureTally): Promise<void> {
  const done = await on(place, store, `put files-${store}; merge ${peer}; push -p ${peer}; fsck; find; quit`);
  if (done.status !== 0 || !done.stdout.includes('clean')) {
    tally.fault(`without cuts: ${done.report}`);
    return;
  }
  const paths = (run: Run): string =>
    run.stdout
      .split('\n')
      .filter((line) => line.startsWith('/'))
      .join('\n');
  const server = await on(place, 'server', 'fsck; find');
  if (server.status !== 0 || !server.stdout.includes('clean')) tally.fault(`the server: ${server.report}`);
  else if (paths(server) !== paths(done)) tally.fault(`the server has\n${paths(server)}\nand ${store} has\n${paths(done)}`);
  for (const name of readdirSync(join(place.folder, `files-${store}`)))
    if (!server.stdout.includes(`/files-${store}/${name}\n`)) tally.fault(`files-${store}/${name} is not at the server`);
}

/** Writes a new file into the folder that one Store is given, and takes one away now and then. */
function change({ folder }: Place, store: string, random: Random): void {
  const files = join(folder, `files-${store}`);
  mkdirSync(files, { recursive: true });
  const names = readdirSync(files);
  if (names.length > MOST_FILES || (names.length > 0 && random.chance(30))) rmSync(join(files, names[random.below(names.length)] ?? ''));
  writeFileSync(join(files, `${random.below(1e9)}`), randomBytes(1 + random.below(MAX_CHANGE)));
}
