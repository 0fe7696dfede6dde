import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How a server is started. */
export interface ServerOptions {
  readonly env: Readonly<Record<string, string>>;
  /** The command that serves; default `serve`. */
  readonly command?: 'serve' | 'httpd';
  /** The Store, from the folder; default `./peer`. */
  readonly store?: string;
  /** Options of the command. */
  readonly options?: string;
  /** Words before its command line, as those that enter a network namespace. */
  readonly enter?: readonly string[];
}

/** A Store in a folder, served by a process of its own. */
export class Server implements Disposable {
  readonly address: string;
  readonly #child: ReturnType<typeof spawn>;

  constructor(
    program: string,
    folder: string,
    address: string,
    { env, command: serving = 'serve', store = './peer', options = '', enter = [] }: ServerOptions,
  ) {
    const said = join(folder, 'served');
    const fd = openSync(said, 'w');
    const [command = '', ...args] = [...enter, process.execPath, program, '-S', store, '-c', `${serving} ${options} ${address}`];
    this.#child = spawn(command, args, {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ['ignore', fd, 'inherit'],
    });
    closeSync(fd);
    let found: string | undefined;
    // All of the benchmark waits: nothing else is to run meanwhile.
    for (let tries = 0; found === undefined; tries++) {
      if (tries === 200) throw new Error('bench: it is not served');
      spawnSync('sleep', ['0.05']);
      found = /^serving (.*)\n/m.exec(readFileSync(said, 'utf8'))?.[1];
    }
    this.address = found;
  }

  /** Its process. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }
}
