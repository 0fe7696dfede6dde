import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { PROGRAM } from '../program.ts';
import type { Scratch } from '../scratch.ts';

/** What came of a line. */
export interface Said {
  /** Undefined where the program ended before it answered. */
  readonly status: number | undefined;
  readonly error: string | undefined;
  /** What the line gave, without the record that ends the answer. */
  readonly records: readonly Readonly<Record<string, unknown>>[];
}

/** A session of the built program that is driven line by line, as programs do it: `--json`, over a pipe. */
export class Conversation {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #closed: Promise<unknown>;

  constructor(args: readonly string[], { folder, env }: Pick<Scratch, 'folder' | 'env'>) {
    this.#child = spawn(process.execPath, [PROGRAM, '--json', '--quiet', ...args], {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#closed = once(this.#child, 'close');
    // Whoever is killed does not read.
    this.#child.stdin?.on('error', () => undefined);
    if (this.#child.stdout === null) throw new Error('no pipe');
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** One that goes on after errors. */
  static async begin(args: readonly string[], scratch: Pick<Scratch, 'folder' | 'env'>): Promise<Conversation> {
    const begun = new Conversation(args, scratch);
    const { status } = await begun.say('set onerror continue');
    if (status !== 0) throw new Error(`vtftp ${args.join(' ')}: it ended before it answered`);
    return begun;
  }

  /** Runs a line and waits for the end of its answer. */
  async say(line: string): Promise<Said> {
    this.#child.stdin?.write(`${line}\n`);
    const records: Record<string, unknown>[] = [];
    for (;;) {
      const { value, done } = await this.#answers.next();
      if (done === true) return { status: undefined, error: undefined, records };
      const record = JSON.parse(value) as Record<string, unknown>;
      if (record['done'] !== true) {
        records.push(record);
        continue;
      }
      return { status: Number(record['status']), error: record['error'] === undefined ? undefined : String(record['error']), records };
    }
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Closes its input, and waits for its end. */
  async end(): Promise<void> {
    this.#child.stdin?.end();
    await this.#closed;
  }

  /** Kills it, and waits for its end. */
  async killed(): Promise<void> {
    this.kill();
    await this.#closed;
  }
}
