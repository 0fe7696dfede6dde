import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { noMountsHere } from '../../support/mounts/mounted.ts';
import { run as runProgram, vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';

/** The part of the rounds that mount and unmount; the others end the process under load, by SIGINT and by SIGKILL in turn. */
const CYCLES_PART = 5 / 7;
/** Cycles after which what the first ones load is loaded. */
const WARM_CYCLES = 3;
/** Octets of the number that a file begins with. */
const NUMBER_SIZE = 12;

/** Milliseconds after which a descriptor that is still open is taken for one that stays. */
const MAX_CLOSING_MS = 2000;

/** Octets of memory that a process that serves one mount after another may grow by, in all. */
const MAX_GROWTH = 64 * 1024 * 1024;

/** Mounts that come and go, in good order and not. */
export const mountsTorture: Torture = {
  name: 'mounts',
  does: 'a live tree gets and loses a second mount; SIGINT or SIGKILL ends its process under load, and it is mounted again',
  promise: 'no stale mount; no fsynced data is lost; no leak of descriptors or memory',
  fullRounds: 1400,
  run,
  unable: noMountsHere,
};

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  const random = makeRandom(limits.seed);
  const place = (name: string): string => join(limits.folder, name);
  for (const name of ['home', 'runtime']) mkdirSync(place(name), { recursive: true });
  const env = { HOME: place('home'), XDG_RUNTIME_DIR: place('runtime') };
  const session = async (line: string): Promise<string> => {
    const done = await vtftp(['-S', place('store'), '-c', line], { env });
    if (done.status !== 0) tally.fault(`${line}: ${done.report}`);
    return done.stdout;
  };
  const first = place('first');
  /** What was fsynced: the number in each file is at least this. */
  const kept = new Map<string, number>();
  let pid = 0;
  let began = { descriptors: 0, memory: 0 };
  const begin = async (): Promise<void> => {
    await session(`mount ${first}`);
    pid = servedBy(place('runtime'), first);
    await checkKept(first, kept, tally);
  };
  await begin();
  const cycles = Math.floor(limits.rounds * CYCLES_PART);
  for (let round = 0; tally.goesOn; round++) {
    if (round < cycles) {
      tally.count('mount and umount');
      const other = place('other');
      await session(`mount ${first} ${other}`);
      const seen = await runProgram('sh', ['-c', 'echo "$0" > new && cat new && rm new', String(round)], { cwd: other });
      if (seen.stdout !== `${round}\n`) tally.fault(seen.report);
      await session(`umount ${other}`);
      const now = await usedAtRest(pid, began.descriptors);
      if (round < WARM_CYCLES) began = now;
      if (now.descriptors > began.descriptors) tally.fault(`${now.descriptors} descriptors after ${began.descriptors}`);
      if (now.memory > began.memory + MAX_GROWTH) tally.fault(`${now.memory} octets of memory after ${began.memory}`);
    } else {
      const signal = (round - cycles) % 2 === 0 ? 'SIGINT' : 'SIGKILL';
      tally.count(`${signal} under load`);
      await endUnderLoad(first, pid, signal, 1 + random.below(12), kept, tally);
      if (signal === 'SIGINT' && isListed(first)) tally.fault('SIGINT left a stale mount');
      await begin();
    }
  }
  await session(`umount ${first}`);
  const left = ['first', 'other'].filter((name) => isListed(place(name)));
  if (left.length > 0) tally.fault(`still mounted: ${left.join(', ')}`);
  await session('fsck');
  return tally.result(`${kept.size} files fsynced`);
}

/** Programs write and fsync numbers that grow, until their mount's process is ended; what was acknowledged is kept. */
async function endUnderLoad(
  path: string,
  pid: number,
  signal: NodeJS.Signals,
  afterFsyncs: number,
  kept: Map<string, number>,
  tally: TortureTally,
): Promise<void> {
  const start = Math.max(0, ...kept.values()) + 1;
  const script = [
    'import os, sys',
    'name, n = sys.argv[1], int(sys.argv[2])',
    'try:',
    '    while True:',
    '        f = os.open(name, os.O_RDWR | os.O_CREAT)',
    `        os.pwrite(f, b"%0${NUMBER_SIZE}d" % n, 0); os.pwrite(f, os.urandom(n * 977 % 70000), ${NUMBER_SIZE})`,
    '        if n % 3 == 0: os.fsync(f); os.write(1, b"%s %d\\n" % (name.encode(), n))',
    '        os.close(f); n += 1',
    'except OSError: pass',
  ].join('\n');
  let lines = 0;
  const writers = ['one', 'two'].map((name) => {
    const child = spawn('python3', ['-c', script, name, String(start)], { cwd: path, stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    child.stdout.setEncoding('latin1').on('data', (part: string) => {
      text += part;
      lines += part.split('\n').length - 1;
      // In the midst of their work.
      if (lines >= afterFsyncs) end();
    });
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    return { child, closed, acknowledged: () => text };
  });
  let isEnded = false;
  const end = (): void => {
    if (isEnded) return;
    isEnded = true;
    process.kill(pid, signal);
    // SIGINT waits for them, or lets them finish: they work in there.
    if (signal === 'SIGINT') for (const { child } of writers) child.kill('SIGKILL');
  };
  await Promise.all(writers.map(({ closed }) => closed));
  for (const { acknowledged } of writers) {
    for (const line of acknowledged().split('\n').slice(0, -1)) {
      const [name = '', n = '0'] = line.split(' ');
      kept.set(name, Number(n));
    }
  }
  while (isRunning(pid)) await new Promise<void>((resolve) => setImmediate(resolve));
  tally.note('acknowledged fsyncs', lines);
}

async function checkKept(path: string, kept: ReadonlyMap<string, number>, tally: TortureTally): Promise<void> {
  for (const [name, n] of kept) {
    const found = await runProgram('cat', [name], { cwd: path });
    const now = found.stdoutBytes.toString('latin1', 0, NUMBER_SIZE);
    if (!(Number.parseInt(now, 10) >= n)) tally.fault(`${name}: ${n} was fsynced, "${now}" is there`);
  }
}

/** The process that serves a mount, as it has noted itself. */
export function servedBy(runtime: string, mountPoint: string): number {
  const record = readFileSync(join(runtime, 'vtftp/mounts', `${encodeURIComponent(mountPoint).slice(-180)}.json`), 'utf8');
  return (JSON.parse(record) as { readonly pid: number }).pid;
}

function isListed(mountPoint: string): boolean {
  return readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${mountPoint} `);
}

/** Whether there is a process of this number that has not ended. */
export function isRunning(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.startsWith('Z') === false;
  } catch {
    return false;
  }
}

/** As {@link usedBy}, once what the last client had open is closed: that may be a moment after it has gone. */
async function usedAtRest(pid: number, descriptors: number): Promise<ReturnType<typeof usedBy>> {
  const startMs = performance.now();
  for (;;) {
    const used = usedBy(pid);
    if (used.descriptors <= descriptors || performance.now() - startMs > MAX_CLOSING_MS) return used;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** Descriptors, and octets of memory, of a process. */
function usedBy(pid: number): { readonly descriptors: number; readonly memory: number } {
  const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { descriptors: readdirSync(`/proc/${pid}/fd`).length, memory: Number(resident) * 1024 };
}
