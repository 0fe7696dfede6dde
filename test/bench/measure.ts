import { execFileSync, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What one command took, all its children included. */
export interface Cost {
  readonly seconds: number;
  /** User and system time. */
  readonly cpuSeconds: number;
  /** Peak resident size of its largest process. */
  readonly peakBytes: number;
  readonly stdout: string;
}

/**
 * Runs a shell line and measures it, by GNU time: a child of this program would inherit our own peak of memory.
 *
 * @throws {Error} if it fails
 */
export function measure(line: string, env: Readonly<Record<string, string>>, cwd: string): Cost {
  const folder = mkdtempSync(join(tmpdir(), 'vtftp-bench-'));
  const report = join(folder, 'time');
  const started = performance.now();
  const run = spawnSync('/usr/bin/time', ['-q', '-f', '%U %S %M', '-o', report, 'sh', '-c', line], {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
  });
  const seconds = (performance.now() - started) / 1000;
  if (run.error !== undefined) throw new Error(`measure: ${run.error.message}; GNU time is needed (apt-get install time)`);
  if (run.status !== 0)
    throw new Error(`"${line}": exit status ${run.status ?? run.signal}: ${run.stderr.trim().split('\n').at(-1) ?? ''}`);
  const [user = 0, system = 0, peakKib = 0] = readFileSync(report, 'utf8').trim().split(/\s+/).map(Number);
  rmSync(folder, { recursive: true });
  return { seconds, cpuSeconds: user + system, peakBytes: peakKib * 1024, stdout: run.stdout };
}

/** Reads files below some paths, so that what is measured next finds them in the page cache; then waits for all writes. */
export function settle(...paths: readonly string[]): void {
  if (paths.length > 0) execFileSync('sh', ['-c', 'find "$@" -type f -exec cat {} + >/dev/null', 'sh', ...paths]);
  execFileSync('sync');
}

/** Octets that files below a path take, by their sizes. */
export function storedBytes(path: string): number {
  return Number(execFileSync('du', ['-sb', path], { encoding: 'utf8' }).split('\t')[0]);
}

/** Octets of free memory that are touched before a run: more than what any run takes but those of --scale. */
const TOUCHED_BYTES = 4 * 2 ** 30;

/**
 * Touches free memory. A virtual machine gives idle memory back to its host, and who touches it next pays up to 3 s a GiB: the same run
 * took 1.2 s or 3.3 s by that alone.
 */
export function touchFreeMemory(): void {
  const freeKib = Number(/^MemFree: +(\d+)/m.exec(readMemoryTable())?.[1] ?? 0);
  const chunks = Math.floor(Math.min(TOUCHED_BYTES, (freeKib * 1024) / 2) / CHUNK_BYTES);
  const script = `const held = []; for (let i = 0; i < ${chunks}; i++) held.push(Buffer.alloc(${CHUNK_BYTES}, 1));`;
  if (chunks > 0) execFileSync(process.execPath, ['-e', script]);
}

const CHUNK_BYTES = 64 * 2 ** 20;

/** What Linux tells of memory; empty on other systems. */
function readMemoryTable(): string {
  return existsSync('/proc/meminfo') ? readFileSync('/proc/meminfo', 'utf8') : '';
}

/** The same in an order of chance. */
export function shuffled<Item>(items: readonly Item[]): Item[] {
  const left = [...items];
  return items.map(() => left.splice(randomInt(left.length), 1)[0] as Item);
}

/** The median of some numbers; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}
