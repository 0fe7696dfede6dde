import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PROGRAM } from '../program.ts';
import type { Scratch } from '../scratch.ts';

/** A Store that is served by a process of its own until the test ends, or until `stop`. */
export interface Served {
  readonly address: string;
  readonly pid: number;
  /** Ends it by a signal. @returns its exit status, and what it said on its standard error */
  stop(signal?: NodeJS.Signals): Promise<{ readonly status: number | null; readonly stderr: string }>;
}

/**
 * Runs `serve …` until it says where it serves.
 *
 * @param enter - words before the command line, as those that enter a network namespace
 * @throws {Error} where it ends before
 */
export async function serve(
  scratch: Pick<Scratch, 'env' | 'beforeRemoval'>,
  store: string,
  command: string,
  enter: readonly string[] = [],
): Promise<Served> {
  const [program = '', ...args] = [...enter, process.execPath, PROGRAM, '-S', store, '-c', command];
  const child = spawn(program, args, {
    env: { ...process.env, ...scratch.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  scratch.beforeRemoval(() => child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close');
  const address = await new Promise<string>((resolve, reject) => {
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      const found = /^serving (.*)$/m.exec(stdout)?.[1];
      if (found !== undefined && stdout.endsWith('\n')) resolve(found);
    });
    void ended.then(() => reject(new Error(`serve ended: ${stdout}${stderr}`)));
  });
  return {
    address,
    pid: child.pid ?? 0,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      await ended;
      return { status: child.exitCode, stderr };
    },
  };
}
