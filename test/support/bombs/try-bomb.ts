import { spawn } from 'node:child_process';
import { processMemory } from '../process-memory.ts';
import { PROGRAM } from '../program.ts';

/** What a command did with a bomb. */
export interface Blast {
  readonly status: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** From its interruption to its end, in milliseconds; undefined where it ended by itself. */
  readonly afterMs: number | undefined;
  /** The most memory that it had, in MB. */
  readonly peakMb: number;
  readonly stderr: string;
}

/** Commands that read what a name stands for, each in its own way. `OUT` is a local path that is not there. */
export const BOMB_COMMANDS: readonly string[] = [
  'cat bomb',
  'head -n 1 bomb',
  'tail -n 1 bomb',
  'ls -l bomb',
  'find bomb',
  'du -u bomb',
  'tree bomb',
  'inspect bomb',
  'stat bomb',
  'get bomb OUT',
  'cp bomb copy; mv copy copy2; rm -r copy2; quit',
  'chmod -R u+x bomb; quit',
  'log bomb',
  'fsck',
  'scrub',
  'gc',
  'bind -f other bomb; quit',
  'push -n --blocks-only -p memory: bomb',
];

/** A program that goes on so long after its interruption never ends. */
const HANGS_MS = 60_000;
/** Milliseconds between two looks at its memory. */
const LOOK_MS = 20;

/** Runs a command over a Store with a bomb, and interrupts it where it goes on. */
export async function tryBomb(store: string, command: string, interruptMs: number, env: Readonly<Record<string, string>>): Promise<Blast> {
  const child = spawn(process.execPath, [PROGRAM, '-S', store, '-c', command], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const pid = child.pid ?? 0;
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (stderr.length < 4000) stderr += chunk.toString();
  });
  let peakMb = 0;
  const look = setInterval(() => {
    peakMb = Math.max(peakMb, processMemory(pid)?.peak ?? 0);
  }, LOOK_MS);
  let interruptedMs: number | undefined;
  const interrupt = setTimeout(() => {
    interruptedMs = performance.now();
    child.kill('SIGINT');
  }, interruptMs);
  const hangs = setTimeout(() => child.kill('SIGKILL'), interruptMs + HANGS_MS);
  const [status, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.once('close', (...how) => resolve(how));
  });
  clearInterval(look);
  clearTimeout(interrupt);
  clearTimeout(hangs);
  return {
    status: status ?? undefined,
    signal: signal ?? undefined,
    afterMs: interruptedMs === undefined ? undefined : performance.now() - interruptedMs,
    peakMb,
    stderr,
  };
}

/** What is wrong with how a command took a bomb, or undefined. */
export function faultOf(blast: Blast, limits: { readonly afterMs: number; readonly mb: number }): string | undefined {
  const { status, signal, afterMs = 0, peakMb, stderr } = blast;
  // Interrupted before it was ready to be, it ends by the signal.
  if (status === undefined && signal !== 'SIGINT') return `ended by ${signal ?? 'nothing'}`;
  if (status !== undefined && ![0, 1, 2, 3, 10, 11, 13, 130].includes(status)) return `status ${status}`;
  if (afterMs > limits.afterMs) return `ended ${Math.round(afterMs)} ms after SIGINT`;
  if (peakMb > limits.mb) return `took ${Math.round(peakMb)} MB`;
  if (/^\s+at .*:\d+:\d+|RangeError|TypeError|stack size/m.test(stderr)) return `says ${stderr.slice(0, 300)}`;
  return undefined;
}
