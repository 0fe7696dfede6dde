import { type Answer, bytesOf, type Entry, entryOf, VtftpError, type Word } from './answers.ts';
import { Connection, type ConnectOptions } from './connection.ts';
import type { AnyRecord, Difference, GetEffect, Got, PathState, Put, Records, State } from './records.ts';

// biome-ignore lint/performance/noBarrelFile: this is the one module that the package exports
export { type Answer, type Entry, VtftpError, type Word } from './answers.ts';
export type { ConnectOptions } from './connection.ts';
export type * as records from './records.ts';

/** Bytes requested at a time, so that other requests get their turn in between. */
const READ_BYTES = 1024 * 1024;

/** Options of one call. */
export interface CallOptions {
  /** Cancels the call, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A session of the program, in its own process. Several calls may be pending; they are carried out in order. */
export class Client implements AsyncDisposable {
  readonly #connection: Connection;

  /** Use {@link connect}. */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Runs any command of the shell.
   *
   * @param argv - the command and its words, which are not parsed
   * @returns the objects that it prints under `--json`
   * @throws {VtftpError} if the command fails
   */
  async run<Name extends keyof Records>(argv: readonly [Name, ...Word[]], options?: CallOptions): Promise<(Records[Name] | AnyRecord)[]>;
  async run(argv: readonly Word[], options?: CallOptions): Promise<Answer[]>;
  async run(argv: readonly Word[], { signal }: CallOptions = {}): Promise<unknown[]> {
    return await this.#connection.run(argv, signal);
  }

  /** The entry of a path; symlinks are not followed. @throws {VtftpError} with errno ENOENT if the path does not exist */
  async stat(path: Word, options: CallOptions = {}): Promise<Entry> {
    const [entry] = await this.#own(['stat', '--', path], options);
    if (entry === undefined) throw new VtftpError({ error: 'vtftp: stat gave no answer' });
    return entryOf(entry);
  }

  /** The entries of a Dir, in the order of their names. */
  async list(path: Word = '/', options: CallOptions = {}): Promise<Entry[]> {
    return (await this.#own(['ls', '-a', '--', withSlash(path)], options)).map(entryOf);
  }

  /** All entries below a Dir, each Dir before its entries. Memory holds the names of one Dir at each level. */
  async *walk(path: Word = '/', options: CallOptions = {}): AsyncGenerator<Entry> {
    for (const entry of await this.list(path, options)) {
      yield entry;
      if (entry.type === 'dir') yield* this.walk(entry.pathBytes, options);
    }
  }

  /**
   * The content of a file, in parts of at most 1 MiB.
   *
   * @param range - bytes from `start` to `end` (exclusive); default: all
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
    // Without a target, put would treat the last of several words as NAME.
    const target = name ?? (words.length > 1 ? './' : undefined);
    return await this.#own(['put', '--', ...words, ...(target === undefined ? [] : [target])], options);
  }

  /** Copies stored files and Dirs to local ones. @param local - LOCAL of `get` */
  async get(path: Word | readonly Word[], local: Word, options: CallOptions = {}): Promise<(Got | GetEffect)[]> {
    return await this.#own(['get', '--', ...wordsOf(path), local], options);
  }

  /** Recorded states of the archive, the newest first; with a path, only the states in which it changed. */
  async log(path?: undefined, options?: CallOptions): Promise<State[]>;
  async log(path: Word, options?: CallOptions): Promise<PathState[]>;
  async log(path?: Word, options: CallOptions = {}): Promise<(State | PathState)[]> {
    return await this.#own(['log', '--', ...(path === undefined ? [] : [path])], options);
  }

  /** Differences between two states or paths, the arguments of `diff`; default: the last change. */
  async changes(a?: Word, b?: Word, options: CallOptions = {}): Promise<Difference[]> {
    const words = [a, b].filter((word) => word !== undefined);
    return (await this.#own(['diff', '--', ...words], options)).filter((record) => 'change' in record);
  }

  /** Records what changed. @param message - what `log` shows with the state @returns the Dirref of the tree */
  async sync(message?: string, options: CallOptions = {}): Promise<string | undefined> {
    const [synced] = await this.#own(['sync', ...(message === undefined ? [] : [`--message=${message}`])], options);
    return synced?.dirref;
  }

  /** Runs a command and leaves out the object that reports a change of the tree. */
  async #own<Name extends keyof Records>(argv: readonly [Name, ...Word[]], options: CallOptions): Promise<Records[Name][]> {
    const answers: (Records[Name] | AnyRecord)[] = await this.run(argv, options);
    return answers.filter((record): record is Records[Name] => !('changed' in record && 'dirref' in record));
  }

  /** Records what changed and ends the session. @returns the Dirref that opens the tree again; undefined if nothing changed */
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
 * @throws {VtftpError} if the tree cannot be opened
 */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  const connection = new Connection(options);
  await connection.run(['pwd']);
  return new Client(connection);
}

function wordsOf(words: Word | readonly Word[]): readonly Word[] {
  return typeof words === 'string' || words instanceof Uint8Array ? [words] : words;
}

/** The path with a final slash, so that a symlink leads to its Dir. */
function withSlash(path: Word): Word {
  if (path.length === 0) return './';
  return typeof path === 'string' ? `${path}/` : Buffer.concat([path, Buffer.from('/')]);
}
