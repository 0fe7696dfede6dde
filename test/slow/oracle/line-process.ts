import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A program that runs the lines it is given, one after the other, and tells the status of each. */
export class LineProcess implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<string>;
  readonly #statusOf: (answer: string) => number | undefined;
  #said: string[] = [];

  /** @param statusOf - the status, of an answer that ends those to a line */
  constructor(
    command: readonly [string, ...string[]],
    statusOf: (answer: string) => number | undefined,
    options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
  ) {
    this.#child = spawn(command[0], command.slice(1), { ...options, stdio: 'pipe' });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => void this.#said.push(text));
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#statusOf = statusOf;
  }

  /** Runs a line. @returns its status, and what was printed on stderr since the last one */
  async run(line: string): Promise<{ readonly status: number; readonly said: string }> {
    this.#said = [];
    this.#child.stdin.write(`${line}\n`);
    for (;;) {
      const { value, done } = await this.#answers.next();
      if (done === true) throw new Error(`the program has ended at: ${line}\n${this.#said.join('')}`);
      const status = this.#statusOf(value);
      if (status !== undefined) return { status, said: this.#said.join('') };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.stdin.end();
    await ended;
  }
}
