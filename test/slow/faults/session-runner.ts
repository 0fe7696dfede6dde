import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, openSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** Sessions in one process; then another begins, as what is loaded and opened would add up. */
const MAX_SESSIONS = 150;

/** A session that takes longer hangs. */
const HANGS_AFTER_MS = 90_000;

/** How a session ended. */
export interface SessionRun {
  /** Exit status; undefined where a signal ended the process, or nothing did. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly report: string;
}

/**
 * Runs sessions of the shell one after the other in one process, which is as good as a process for each, and ten times as fast. The
 * process may have a library preloaded.
 */
export class SessionRunner {
  readonly #env: Readonly<Record<string, string>>;
  readonly #out: string;
  readonly #err: string;
  #child: ChildProcess | undefined;
  #sessions = 0;
  #isRunning = false;
  /** How the process ended after a session that had told its status. */
  #endedAfter: string | undefined;

  /** @param name - of the files in `folder` that take what is printed */
  constructor(folder: string, name: string, env: Readonly<Record<string, string>>) {
    this.#env = env;
    this.#out = join(folder, `${name}.out`);
    this.#err = join(folder, `${name}.err`);
  }

  /** What the session under way has printed on stdout and stderr so far. */
  get printed(): { readonly stdout: string; readonly stderr: string } {
    return { stdout: readFileSync(this.#out, 'utf8'), stderr: readFileSync(this.#err, 'utf8') };
  }

  /** The process of the session under way. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Runs one session to its end. */
  async run(args: readonly string[]): Promise<SessionRun> {
    if (this.#sessions >= MAX_SESSIONS) this[Symbol.dispose]();
    this.#child ??= this.#start();
    const child = this.#child;
    this.#sessions++;
    truncateSync(this.#out);
    truncateSync(this.#err);
    this.#isRunning = true;
    const ended = await new Promise<number | string>((resolve) => {
      const hangs = setTimeout(() => end('it hangs'), HANGS_AFTER_MS);
      const onMessage = (status: unknown): void => end(Number(status));
      const onExit = (status: number | null, signal: string | null): void => end(`the process ended by ${signal ?? `status ${status}`}`);
      const end = (how: number | string): void => {
        clearTimeout(hangs);
        child.off('message', onMessage);
        child.off('exit', onExit);
        resolve(how);
      };
      child.on('message', onMessage);
      child.on('exit', onExit);
      child.send(args);
    });
    this.#isRunning = false;
    if (typeof ended === 'string') this[Symbol.dispose]();
    const { stdout, stderr } = this.printed;
    const endedAfter = this.#endedAfter;
    this.#endedAfter = undefined;
    if (endedAfter !== undefined) return { status: undefined, stdout, stderr, report: `after an earlier session ${endedAfter}` };
    const report = `${args.join(' ')}\nstatus ${ended}\n--- stdout\n${stdout}\n--- stderr\n${stderr}`;
    return { status: typeof ended === 'number' ? ended : undefined, stdout, stderr, report };
  }

  /** Resolves with the match once stdout or stderr of the session under way has it; undefined where it never comes. */
  async awaitPrinted(pattern: RegExp, maxMs: number): Promise<RegExpExecArray | undefined> {
    for (const endMs = performance.now() + maxMs; performance.now() < endMs; await delay(5)) {
      const { stdout, stderr } = this.printed;
      const found = pattern.exec(stdout) ?? pattern.exec(stderr);
      if (found !== null) return found;
    }
    return undefined;
  }

  /** Sends the session under way a signal. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  #start(): ChildProcess {
    this.#sessions = 0;
    const [out, err] = [openSync(this.#out, 'a'), openSync(this.#err, 'a')];
    try {
      const child = fork(fileURLToPath(new URL('session-child.js', import.meta.url)), {
        stdio: ['ignore', out, err, 'ipc'],
        env: { ...process.env, ...this.#env },
        execArgv: [],
      });
      child.on('exit', (status, signal) => {
        if (child !== this.#child) return;
        this.#child = undefined;
        if (!this.#isRunning) this.#endedAfter = `the process ended by ${signal ?? `status ${status}`}`;
      });
      return child;
    } finally {
      closeSync(out);
      closeSync(err);
    }
  }

  [Symbol.dispose](): void {
    this.#child?.removeAllListeners();
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }
}
