import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

// Benchmarks wait for programs without an event loop, so that nothing of ours works beside them, and hear no signal meanwhile. So
// they run in a child, and its parent listens.

/** Names the folder of a child to it. */
const FOLDER = 'VTFTP_BENCH_FOLDER';

/** Where things lie that are to be in memory. */
export const TMPFS = '/dev/shm';

/** Signals that end a benchmark, with the numbers that an exit status has of them. */
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/**
 * Runs in a folder of its own, which is gone afterwards. A signal ends the work at once, with every program that it started, and
 * takes its mounts away.
 */
export async function inScratch(work: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = process.env[FOLDER];
  if (folder !== undefined) {
    await work(folder);
    return;
  }
  const scratch = mkdtempSync(join(process.env['BENCH_SCRATCH'] ?? tmpdir(), 'vtftp-bench-'));
  const temporary = join(scratch, 'tmp');
  mkdirSync(temporary, { mode: 0o1777 });
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    detached: true,
    stdio: 'inherit',
    env: { ...process.env, [FOLDER]: scratch, TMPDIR: temporary },
  });
  let status: number | undefined;
  for (const [signal, number] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      status ??= 128 + number;
      child.kill('SIGKILL');
    });
  }
  const ended = await new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 1)));
  clear(scratch);
  process.exitCode = status ?? ended;
}

/** A folder in memory, for a benchmark that runs in a folder of `inScratch`. @param tmpfs - where it is made */
export function memoryFolder(tmpfs: string): string {
  return mkdtempSync(join(tmpfs, `${basename(process.env[FOLDER] ?? 'vtftp-bench')}-`));
}

/** Ends what still works in a folder, unmounts what is mounted in it, and removes it. */
function clear(scratch: string): void {
  const inMemory = readdirSync(TMPFS, { encoding: 'utf8' }).filter((name) => name.startsWith(`${basename(scratch)}-`));
  const folders = [scratch, ...inMemory.map((name) => join(TMPFS, name))];
  for (const pid of processesIn(folders)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  for (const point of mounts.filter((each) => folders.some((folder) => each.startsWith(`${folder}/`))).reverse())
    spawnSync('umount', ['-l', point], { stdio: 'ignore' });
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

/** Processes that were started with the name of one of some folders, or work in it; servers leave the group that they are born into. */
function processesIn(folders: readonly string[]): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      if (pid === process.pid) return false;
      const facts = [
        () => readlinkSync(`/proc/${pid}/cwd`),
        () => readFileSync(`/proc/${pid}/cmdline`, 'latin1'),
        () => readFileSync(`/proc/${pid}/environ`, 'latin1'),
      ];
      return facts.some((fact) => {
        try {
          const text = fact();
          return folders.some((folder) => text.includes(folder));
        } catch {
          return false;
        }
      });
    });
}
