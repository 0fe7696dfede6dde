import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { RECORD } from '../../support/mounts/mounted.ts';
import { run, vtftp } from '../../support/program.ts';
import type { Random } from '../../support/random.ts';
import type { Daemon, DaemonFaults, DaemonKind } from './daemons.ts';
import { storedFiles } from './stored-files.ts';

/** Octets that a change writes, at most. */
const MAX_SIZE = 20_000;

/** Until a session says that it is ready: milliseconds. */
const MAX_START_MS = 30_000;

/** Writes, appends to and removes some of a few files. */
function changeFiles(folder: string, random: Random, round: number): void {
  const sub = join(folder, `sub-${round % 3}`);
  mkdirSync(sub, { recursive: true });
  writeFileSync(join(sub, `file-${round % 7}`), random.bytes(random.below(MAX_SIZE)));
  appendFileSync(join(folder, 'log'), random.bytes(1 + random.below(MAX_SIZE)));
  if (random.chance(30)) rmSync(join(folder, `sub-${random.below(3)}`), { recursive: true, force: true });
}

/** Changes a file until one of its states is stored: from then on changes are seen as they come. */
async function untilSeen(store: string, target: string, local: string): Promise<void> {
  for (const endMs = performance.now() + MAX_START_MS; performance.now() < endMs; await delay(200)) {
    const text = String(performance.now());
    const before = (await storedFiles(store, target))?.get('seen')?.toString();
    if (before !== undefined) return;
    writeFileSync(join(local, 'seen'), text);
  }
  throw new Error('no change is seen');
}

const watch: DaemonKind = {
  name: 'watch',
  target: 'live',
  async begin({ client, random }, store, local) {
    changeFiles(local, random, 0);
    const running = client.run(['-S', store, '-c', `watch --every 0 --rescan 2 ${local} live; wait`]);
    await client.awaitPrinted(/watching/, MAX_START_MS);
    await untilSeen(store, 'live', local);
    return {
      async change(round) {
        changeFiles(local, random, round);
        return await Promise.resolve(client.pid === undefined ? 'the process has ended' : undefined);
      },
      async end() {
        client.signal('SIGTERM');
        const { status, report } = await running;
        return status === 143 ? undefined : report;
      },
    };
  },
};

const follow: DaemonKind = {
  name: 'follow',
  target: 'logs',
  async begin({ client, random }, store, local) {
    for (const name of ['a', 'b']) writeFileSync(join(local, name), 'the first line\n');
    const running = client.run(['-S', store, '-c', `mkdir logs; follow --every 0 ${local}/* logs; wait`]);
    await client.awaitPrinted(/following/, MAX_START_MS);
    return {
      async change(round) {
        for (const name of ['a', 'b'])
          if (random.chance(70)) appendFileSync(join(local, name), `${round} ${'x'.repeat(random.below(MAX_SIZE))}\n`);
        appendFileSync(join(local, 'a'), `${round}\n`);
        return await Promise.resolve(client.pid === undefined ? 'the process has ended' : undefined);
      },
      async end() {
        client.signal('SIGTERM');
        const { status, report } = await running;
        return status === 143 ? undefined : report;
      },
    };
  },
};

const serve: DaemonKind = {
  name: 'serve',
  target: 'tree',
  async begin({ client, server, random }, store, local) {
    const serving = server.run(['-S', store, '-c', 'serve tcp:0']);
    const [, address = ''] = (await server.awaitPrinted(/^serving (\S+)\n/m, MAX_START_MS)) ?? [];
    const put = async (): Promise<string | undefined> => {
      const done = await client.run(['-S', address, '-c', `put ${local} tree; quit`]);
      if (done.status === undefined) return done.report;
      return done.status !== 0 && done.stderr.trim() === '' ? `no word of why: ${done.report}` : undefined;
    };
    return {
      async change(round) {
        changeFiles(local, random, round);
        return await put();
      },
      retry: put,
      async end() {
        server.signal('SIGTERM');
        const { status, report } = await serving;
        return status === 0 || status === 143 ? undefined : report;
      },
    };
  },
};

const mount: DaemonKind = {
  name: 'mount',
  target: 'tree',
  async begin(faults, store, local) {
    const { env, random, scratch } = faults;
    const place = join(scratch, 'mnt');
    const began = await vtftp(['-S', store, '-c', `mount ${place}`], { env });
    if (began.status !== 0) throw new Error(began.report);
    // Another process writes: one that serves the mount may be stuck, and this one must not be.
    const sh = async (line: string): Promise<{ readonly status: number | undefined; readonly report: string }> =>
      await run('sh', ['-c', line], { cwd: place });
    return { ...mountedDaemon(random, local, sh), end: async () => await endMount(faults, store, place) };
  },
};

/** What a program in a mount may be told: the reason why a call of the mount's process failed. */
const REASONS = /No space left|Input\/output error|quota exceeded|Too many open files/i;

function mountedDaemon(
  random: Random,
  local: string,
  sh: (line: string) => Promise<{ readonly status: number | undefined; readonly report: string }>,
): Pick<Daemon, 'change' | 'retry'> {
  return {
    async change(round) {
      changeFiles(local, random, round);
      // The same through the mount: written by names that are there, and synced.
      const copied = await sh(`rsync -a --inplace --delete ${local}/ tree/ && sync -d tree/log`);
      return copied.status === 0 || REASONS.test(copied.report) ? undefined : copied.report;
    },
    async retry() {
      // What is synced is in the journal alone, until a root is recorded.
      const again = await sh(`rsync -a --inplace --delete ${local}/ tree/ && sync tree/log && ${RECORD}`);
      return again.status === 0 || REASONS.test(again.report) ? undefined : again.report;
    },
  };
}

async function endMount({ env }: DaemonFaults, store: string, place: string): Promise<string | undefined> {
  const ended = await vtftp(['-S', store, '-c', `umount ${place}`], { env });
  spawnSync('umount', ['-l', place], { stdio: 'ignore' });
  // What was told to clients is told again.
  return ended.status === 0 || ended.status === 3 ? undefined : ended.report;
}

/** Every kind of process that goes on after a call has failed. */
export const DAEMON_KINDS: readonly DaemonKind[] = [watch, follow, serve, mount];
