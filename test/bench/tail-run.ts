import { execFile, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { storedBytes } from './measure.ts';
import type { Writing, Written } from './tail-writer.ts';
import { written } from './tail-writer.ts';

// A child of the benchmark of tails: follows what a writer writes, and prints what that took.

/** One measurement. */
export interface TailRun {
  readonly program: string;
  /** Empty, for all that it makes. */
  readonly folder: string;
  /** `follow` or `watch`. */
  readonly command: 'follow' | 'watch';
  /** Seconds between rounds. */
  readonly every: number;
  readonly writing: Omit<Writing, 'folder'>;
}

/** What it came to. */
export interface TailCost {
  readonly bytes: number;
  readonly seconds: number;
  /** Roots recorded. */
  readonly states: number;
  /** From when an octet was written to when the first root was recorded that has it: the longest, in seconds. */
  readonly lagSeconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  /** Octets by which the Store grew. */
  readonly grownBytes: number;
}

const run = promisify(execFile);

/** CPU time of a process so far: user and system, in ticks of 10 ms (proc(5)). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function peakBytes(pid: number): number {
  return Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024;
}

/** The longest that an octet waited. @param states - ascending: when each was recorded, and how much it has */
function longestLag(
  states: readonly { readonly atMs: number; readonly size: number }[],
  samples: Written['samples'],
  first: number,
): number {
  let longest = 0;
  for (const [i, { atMs }] of states.entries()) {
    const had = states[i - 1]?.size ?? first;
    // The first write after which there was more than the state before had: its octets waited longest.
    const [writtenMs] = samples.find(([, size], k) => size + first <= had && (samples[k + 1]?.[1] ?? 0) + first > had) ?? [];
    if (writtenMs !== undefined) longest = Math.max(longest, (atMs - writtenMs) / 1000);
  }
  return longest;
}

async function measureRun({ program, folder, command, every, writing }: TailRun): Promise<TailCost> {
  const local = join(folder, 'local');
  mkdirSync(local);
  for (let file = 0; file < writing.files; file++)
    writeFileSync(join(local, `${file}.log`), written(writing.kind, file, 0, writing.before));
  const { before } = writing;
  const env = { ...process.env, HOME: join(folder, 'home'), XDG_STATE_HOME: join(folder, 'state') };
  const store = join(folder, 'store');
  const line = `${command} ${command === 'follow' ? `${local}/*.log` : local} name --every ${every}; wait`;
  const daemon = spawn(process.execPath, [program, '-S', store, '-c', line], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => daemon.once('close', resolve));
  await new Promise((resolve, reject) => {
    daemon.stdout.once('data', resolve);
    daemon.once('close', () => reject(new Error('the program ended')));
  });
  const pid = daemon.pid ?? 0;
  const first = Buffer.byteLength(written(writing.kind, 0, 0, before));
  // What begins it is no part of it.
  await delay(2000);
  const [cpuBefore, sizeBefore] = [cpuSeconds(pid), storedBytes(store)];
  const writer = fileURLToPath(new URL('./tail-writer.js', import.meta.url));
  const told = await run(process.execPath, [writer, JSON.stringify({ ...writing, folder: local })], { maxBuffer: 2 ** 28 });
  const { bytes, samples } = JSON.parse(told.stdout) as Written;
  await delay(Math.max(2000, 2000 * every));
  const cost = { cpuSeconds: cpuSeconds(pid) - cpuBefore, peakBytes: peakBytes(pid), grownBytes: storedBytes(store) - sizeBefore };
  daemon.kill('SIGTERM');
  await ended;
  const log = await run(process.execPath, [program, '-S', store, '--json', '-c', 'log name/0.log'], { env, maxBuffer: 2 ** 28 });
  const states = log.stdout
    .split('\n')
    .filter((text) => text.includes('"when"'))
    .map((text) => JSON.parse(text) as { when: string; size: number })
    .map(({ when, size }) => ({ atMs: Date.parse(when.replace(/(\.\d{3})\d*Z$/, '$1Z')), size }))
    .sort((a, b) => a.atMs - b.atMs)
    .filter(({ size }) => size > first);
  if (states.at(-1)?.size !== first + (samples.at(-1)?.[1] ?? 0)) throw new Error('not all that was written is stored');
  return { bytes, seconds: writing.seconds, states: states.length, lagSeconds: longestLag(states, samples, first), ...cost };
}

console.log(JSON.stringify(await measureRun(JSON.parse(process.argv[2] ?? '') as TailRun)));
