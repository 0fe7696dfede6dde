import type { ChildProcess, StdioOptions } from 'node:child_process';
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { isatty } from 'node:tty';
import { VtError } from '../core/base/errors.ts';
import type { Octets } from '../core/base/octets.ts';
import { octetsToTextStrict } from '../core/base/octets.ts';
import { errorReason } from '../core/base/system/system-error.ts';

/** Milliseconds that a process may take to start on a busy machine. */
const STARTING_MS = 1000;

/** How a local command ended: its status, or 128 + n where signal n ended it. */
export interface LocalExit {
  readonly status: number;
}

/**
 * Starts a local command line by the user's shell; an empty one starts that shell itself.
 *
 * @param cwd - local folder to run in
 * @throws {VtError} EFAILED for a line or a folder that is not UTF-8: Node passes only text to processes
 */
export function startLocal(
  line: Octets,
  options: {
    readonly cwd: Octets;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly stdio: StdioOptions;
    readonly signal?: AbortSignal | undefined;
  },
): { readonly child: ChildProcess; readonly exit: Promise<LocalExit> } {
  const command = octetsToTextStrict(line);
  const cwd = octetsToTextStrict(options.cwd);
  if (command === undefined || cwd === undefined) throw new VtError('EFAILED', 'run a local command: its text or folder is not UTF-8');
  const shell = options.env['SHELL'] ?? '';
  // At a terminal Ctrl-C goes to all that run there. Elsewhere a group of its own makes it one thing to end, with all
  // that it started. `-c` takes what sh takes; an interactive shell is the user's own.
  const detached = !isatty(0);
  const child =
    command === ''
      ? spawn(shell === '' ? '/bin/sh' : shell, [], { cwd, env: options.env, stdio: options.stdio, detached })
      : spawn('/bin/sh', ['-c', command], { cwd, env: options.env, stdio: options.stdio, detached });
  const cancel = (): void => {
    if (!detached || child.pid === undefined) child.kill('SIGTERM');
    else if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGTERM');
  };
  options.signal?.addEventListener('abort', cancel, { once: true });
  // The terminal sends Ctrl-C to all foreground processes, but not to one that is still being started.
  const startedMs = performance.now();
  const forward = (): void => {
    if (performance.now() - startedMs < STARTING_MS) child.kill('SIGINT');
  };
  if (!detached) process.on('SIGINT', forward);
  const exit = new Promise<LocalExit>((resolve, reject) => {
    child.on('error', (error) => reject(new VtError('EFAILED', `run local "${command}": ${errorReason(error)}`, { cause: error })));
    child.on('close', (status, signal) => resolve({ status: status ?? 128 + (signal === null ? 0 : constants.signals[signal]) }));
  }).finally(() => {
    options.signal?.removeEventListener('abort', cancel);
    process.off('SIGINT', forward);
  });
  return { child, exit };
}
