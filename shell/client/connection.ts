import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type Answer, VtftpError, type Word } from './answers.ts';

/** How the program is started. */
export interface ConnectOptions {
  /** What to open: a Dirref, an `x-vt:` URI, a Store, an archive at a date, a directory, a mount. Default: the newest tree of the Store. */
  readonly source?: string;
  /** The Store: a specification, a path, or a clause of the configuration. */
  readonly store?: string;
  /** The local working directory. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** More options of the program, such as `-n`. */
  readonly options?: readonly string[];
  /** The words that start the program; default: this package's program. */
  readonly program?: readonly string[];
  /** Called with each warning. */
  readonly onWarning?: (text: string) => void;
}

/** Requests sent and not answered, at most. Others wait here, so that the program still reads cancellations. */
const MAX_ASKED = 500;

interface Asked {
  readonly answers: Answer[];
  readonly failures: VtftpError[];
  readonly end: (error: unknown) => void;
}

/** A running program that answers requests. @see vt(7), "REQUESTS" */
export class Connection {
  readonly #child: ChildProcess;
  readonly #input: Writable;
  readonly #asked = new Map<number, Asked>();
  readonly #onWarning: (text: string) => void;
  #lastId = 0;
  /** The last object without a request: why the program failed, or its Dirref at the end. */
  #last: Answer = {};
  readonly #ended: Promise<void>;
  readonly #waiting: (() => void)[] = [];
  #isOver = false;
  #closing: Promise<string | undefined> | undefined;

  constructor({ source, store, cwd, env, options = [], program, onWarning = () => undefined }: ConnectOptions) {
    const [command = '', ...words] = program ?? [process.execPath, fileURLToPath(new URL('../../bin/vtftp.js', import.meta.url))];
    const places = [...(store === undefined ? [] : ['-S', store]), ...options, ...(source === undefined ? [] : ['--', source])];
    this.#onWarning = onWarning;
    this.#child = spawn(command, [...words, '--json', ...places], {
      stdio: ['pipe', 'pipe', 'ignore'],
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env }),
    });
    const { stdin, stdout } = this.#child as ChildProcess & { readonly stdin: Writable; readonly stdout: Readable };
    this.#input = stdin;
    // The program has ended; its end rejects every request below.
    stdin.on('error', () => undefined);
    const lines = createInterface({ input: stdout });
    lines.on('line', (line) => this.#read(line));
    this.#ended = new Promise<void>((resolve) => {
      let left = 2;
      const half = (): void => {
        if (--left === 0) resolve();
      };
      lines.once('close', half);
      this.#child.once('close', half).once('error', (error) => {
        this.#last = { error: `vtftp: cannot start: ${error.message}` };
        half();
      });
    }).then(() => this.#end());
  }

  /**
   * Runs one command.
   *
   * @param signal - cancels it
   * @returns the objects that it printed
   * @throws {VtftpError} if the command fails; the signal's reason if it is cancelled
   */
  async run(argv: readonly Word[], signal?: AbortSignal): Promise<Answer[]> {
    while (this.#asked.size >= MAX_ASKED && !this.#isOver) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    signal?.throwIfAborted();
    if (this.#isOver) throw this.#gone();
    const id = ++this.#lastId;
    const answers: Answer[] = [];
    const cancel = (): void => {
      this.#send({ id: ++this.#lastId, cancel: id });
    };
    try {
      await new Promise<void>((resolve, reject) => {
        this.#asked.set(id, { answers, failures: [], end: (error) => (error === undefined ? resolve() : reject(error)) });
        signal?.addEventListener('abort', cancel, { once: true });
        this.#send({ id, argv: argv.map((word) => (typeof word === 'string' ? word : { b64: Buffer.from(word).toString('base64') })) });
      });
      return answers;
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  /** Ends the program, which records what changed. @returns the Dirref that it prints, if any @throws {VtftpError} if it failed */
  async close(): Promise<string | undefined> {
    this.#closing ??= this.#close();
    return await this.#closing;
  }

  async #close(): Promise<string | undefined> {
    // A program that has ended before, or ends now without an answer, has recorded nothing.
    await this.run(['quit']);
    this.#input.end();
    await this.#ended;
    const { dirref, error } = this.#last;
    if (error !== undefined) throw new VtftpError(this.#last);
    return typeof dirref === 'string' ? dirref : undefined;
  }

  #send(request: Answer): void {
    this.#input.write(`${JSON.stringify(request)}\n`);
  }

  #read(line: string): void {
    let answer: Answer;
    try {
      answer = JSON.parse(line) as Answer;
    } catch {
      this.#last = { error: `vtftp: the program printed something that is not an answer: ${line.slice(0, 200)}` };
      this.#child.kill();
      return;
    }
    this.#take(answer);
  }

  #take(answer: Answer): void {
    const { id, done, error, failure, warning, progress, note } = answer;
    if (typeof warning === 'string') return this.#onWarning(warning);
    if (progress !== undefined || note !== undefined) return;
    const asked = typeof id === 'number' ? this.#asked.get(id) : undefined;
    if (asked === undefined) {
      if (id === undefined) this.#last = answer;
    } else if (done === true) {
      this.#asked.delete(Number(id));
      this.#waiting.shift()?.();
      asked.end(error === undefined ? undefined : new VtftpError(answer, asked.failures));
    } else if (failure !== undefined) asked.failures.push(new VtftpError(answer));
    else asked.answers.push(answer);
  }

  #end(): void {
    this.#isOver = true;
    for (const { end } of this.#asked.values()) end(this.#gone());
    this.#asked.clear();
    for (const goOn of this.#waiting.splice(0)) goOn();
  }

  #gone(): VtftpError {
    const { error } = this.#last;
    return new VtftpError(error === undefined ? { error: 'vtftp: the program has ended' } : this.#last);
  }
}
