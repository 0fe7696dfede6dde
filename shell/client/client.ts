import { type Answer, bytesOf, type Entry, entryOf, VtftpError, type Word } from './answers.ts';
import { Connection, type ConnectOptions } from './connection.ts';
import type { AnyRecord, Difference, GetEffect, Got, PathState, Put, Records, State } from './records.ts';

// biome-ignore lint/performance/noBarrelFile: this is the one module that the package exports
export { type Answer, type Entry, VtftpError, type Word } from './answers.ts';
export type { ConnectOptions } from './connection.ts';
export type * as records from './records.ts';

/** Bytes that are asked for at a time: other requests have their turn in between. */
const READ_BYTES = 1024 * 1024;

/** What one call may be given. */
export interface CallOptions {
  /** Cancels it: the call rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A session of the program, in a process of its own. Calls may be made side by side; they are done in their order. */
export class Client implements AsyncDisposable {
  readonly #connection: Connection;

  /** Use {@link connect}. */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Runs any command of the shell.
   *
   * @param argv - the command and its words, which are taken as they are
   * @returns the objects that it prints under `--json`
   * @throws {VtftpError} what it failed with
   */
  async run<Name extends keyof Records>(argv: readonly [Name, ...Word[]], options?: CallOptions): Promise<(Records[Name] | AnyRecord)[]>;
  async run(argv: readonly Word[], options?: CallOptions): Promise<Answer[]>;
  async run(argv: readonly Word[], { signal }: CallOptions = {}): Promise<unknown[]> {
    return await this.#connection.run(argv, signal);
  }

  /** The entry of a path; a symlink itself. @throws {VtftpError} with errno ENOENT where there is none */
  async stat(path: Word, options: CallOptions = {}): Promise<Entry> {
    const [entry] = await this.#own(['stat', '--', path], options);
    if (entry === undefined) throw new VtftpError({ error: 'vtftp: stat gave no answer' });
    return entryOf(entry);
  }

  /** The entries of a Dir, in the order of their names. */
  async list(path: Word = '/', options: CallOptions = {}): Promise<Entry[]> {
    return (await this.#own(['ls', '-a', '--', withSlash(path)], options)).map(entryOf);
  }

  /** All that is below a Dir: each Dir before what is in it. Memory holds the names of one Dir at each level. */
  async *walk(path: Word = '/', options: CallOptions = {}): AsyncGenerator<Entry> {
    for (const entry of await this.list(path, options)) {
      yield entry;
      if (entry.type === 'dir') yield* this.walk(entry.pathBytes, options);
    }
  }

  /**
   * The content of a file, in parts of at most 1 MiB.
   *
   * @param range - bytes from `start` to `end`, which is not among them; default: all
   */
  async *read(path: Word, range: CallOptions & { readonly start?: number; readonly end?: number } = {}): AsyncGenerator<Uint8Array> {
    const { start = 0, end = Number.MAX_SAFE_INTEGER } = range;
    for (let at = start; at < end; at += READ_BYTES) {
      const to = Math.min(end, at + READ_BYTES);
      const parts = (await this.run(['cat', `--bytes=${at}-${to}`, '--', path], range)).map((answer) => bytesOf(answer, 'data'));
      yield* parts;
      if (parts.reduce((sum, part) => sum + part.length, 0) < to - at) return;
    }
  }

  /** Stores local files and directories. @param name - the stored name, as of `put`; default: in the working Dir */
  async put(local: Word | readonly Word[], name?: Word, options: CallOptions = {}): Promise<Put[]> {
    const words = wordsOf(local);
    // The last of several words would be taken for the name.
    const target = name ?? (words.length > 1 ? './' : undefined);
    return await this.#own(['put', '--', ...words, ...(target === undefined ? [] : [target])], options);
  }

  /** Takes stored files and Dirs out. @param local - where to, as of `get` */
  async get(path: Word | readonly Word[], local: Word, options: CallOptions = {}): Promise<(Got | GetEffect)[]> {
    return await this.#own(['get', '--', ...wordsOf(path), local], options);
  }

  /** Recorded states of the archive, the newest first; of a path: those in which it differs. */
  async log(path?: undefined, options?: CallOptions): Promise<State[]>;
  async log(path: Word, options?: CallOptions): Promise<PathState[]>;
  async log(path?: Word, options: CallOptions = {}): Promise<(State | PathState)[]> {
    return await this.#own(['log', '--', ...(path === undefined ? [] : [path])], options);
  }

  /** What differs between two states or paths, as `diff` takes them; default: the last change. */
  async changes(a?: Word, b?: Word, options: CallOptions = {}): Promise<Difference[]> {
    const words = [a, b].filter((word) => word !== undefined);
    return (await this.#own(['diff', '--', ...words], options)).filter((record) => 'change' in record);
  }

  /** Records what changed. @param message - what `log` shows with the state @returns the Dirref of the tree */
  async sync(message?: string, options: CallOptions = {}): Promise<string | undefined> {
    const [synced] = await this.#own(['sync', ...(message === undefined ? [] : [`--message=${message}`])], options);
    return synced?.dirref;
  }

  /** Runs a command, without the objects that say what became of the tree. */
  async #own<Name extends keyof Records>(argv: readonly [Name, ...Word[]], options: CallOptions): Promise<Records[Name][]> {
    const answers: (Records[Name] | AnyRecord)[] = await this.run(argv, options);
    return answers.filter((record): record is Records[Name] => !('changed' in record && 'dirref' in record));
  }

  /** Records what changed and ends the session. @returns the Dirref that opens the tree again; none where nothing changed */
  async close(): Promise<string | undefined> {
    return await this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Starts the program, and opens a tree.
 *
 * @throws {VtftpError} where it cannot be opened
 */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  const connection = new Connection(options);
  await connection.run(['pwd']);
  return new Client(connection);
}

function wordsOf(words: Word | readonly Word[]): readonly Word[] {
  return typeof words === 'string' || words instanceof Uint8Array ? [words] : words;
}

/** A symlink with a slash after it is the Dir that it leads to. */
function withSlash(path: Word): Word {
  if (path.length === 0) return './';
  return typeof path === 'string' ? `${path}/` : Buffer.concat([path, Buffer.from('/')]);
}
