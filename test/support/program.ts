import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { PROJECT_ROOT } from './project.ts';

/** The built program, as a reader of the README runs it; `VTFTP_PROGRAM` names another build of it. */
export const PROGRAM: string = process.env['VTFTP_PROGRAM'] ?? join(PROJECT_ROOT, 'dist/bin/vtftp.js');

/** How a program ended. */
export interface Run {
  /** Exit status, or undefined if a signal ended it. */
  readonly status: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly stdout: string;
  readonly stdoutBytes: Buffer;
  readonly stderr: string;
  /** Status and streams in one text, for messages of assertions. */
  readonly report: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Bytes for stdin; without them it is /dev/null. */
  readonly input?: string | Uint8Array;
  /** Called once the program runs, to send it signals or write while it works. */
  readonly during?: (program: RunningProgram) => void | Promise<void>;
}

/** A program at work. */
export interface RunningProgram {
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when what was printed so far on stdout or stderr contains the text, or when the program has ended. */
  printed(text: string): Promise<void>;
}

/** A program that takes longer hangs, and is killed: its test then fails with what it printed. */
const HANGS_AFTER_MS = 180_000;

/** Runs a command and waits for its end; never rejects for an exit status. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const child = spawn(command, [...args], {
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  const watchers = new Set<() => void>();
  const keep = (into: Buffer[]) => (chunk: Buffer) => {
    into.push(chunk);
    for (const check of watchers) check();
  };
  child.stdout?.on('data', keep(out));
  child.stderr?.on('data', keep(err));
  // A program that ends early closes its stdin: what it did not read is no fault of ours.
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.input);

  const ended = new Promise<Pick<Run, 'status' | 'signal'>>((resolve, reject) => {
    const hangs = setTimeout(() => child.kill('SIGKILL'), HANGS_AFTER_MS);
    child.once('close', () => clearTimeout(hangs));
    child.once('error', reject);
    child.once('close', (status, signal) => resolve({ status: status ?? undefined, signal: signal ?? undefined }));
  });
  const printed = (text: string) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (!Buffer.concat([...out, ...err]).includes(text)) return;
        watchers.delete(check);
        resolve();
      };
      watchers.add(check);
      ended.then(() => resolve(), resolve);
      check();
    });
  const { pid } = child;
  if (pid !== undefined) await options.during?.({ pid, kill: (signal) => child.kill(signal), printed });

  const { status, signal } = await ended;
  const stdoutBytes = Buffer.concat(out);
  const stdout = stdoutBytes.toString();
  const stderr = Buffer.concat(err).toString();
  const report = `${command} ${args.join(' ')}\nstatus ${status ?? signal}\n--- stdout\n${tail(stdout)}\n--- stderr\n${tail(stderr)}`;
  return { status, signal, stdout, stdoutBytes, stderr, report };
}

/** Runs the built vtftp. What it prints under `--json` has to be what the command table declares. */
export async function vtftp(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const ended = await run(process.execPath, [PROGRAM, ...args], options);
  if (args.includes('--json') && process.env['VTFTP_PROGRAM'] === undefined) {
    const { undeclaredRecords } = await import('./shells/declared-records.ts');
    assert.deepEqual(undeclaredRecords(`${ended.stdout}\n${ended.stderr}`), [], ended.report);
  }
  return ended;
}

/** The Dirref that a session recited: the last line of its stdout. */
export function recited(session: Run): string {
  const last = session.stdout.trimEnd().split('\n').at(-1) ?? '';
  if (!last.startsWith('D{')) throw new Error(`no Dirref on the last line of stdout:\n${session.report}`);
  return last;
}

function tail(text: string): string {
  return text.length <= 4000 ? text : `…${text.slice(-4000)}`;
}
