import type { Octets } from '../core/base/octets.ts';
import type { Store } from '../core/store/store.ts';
import type { Session } from './session.ts';

/** Headings of help and of the man page, in their order. */
export const COMMAND_GROUPS = ['leave', 'where', 'list', 'read', 'move', 'change', 'history', 'mount', 'store', 'local', 'shell'] as const;
export type CommandGroup = (typeof COMMAND_GROUPS)[number];

/**
 * What an argument names: decides globbing, completion and how it is handed over.
 * `stored` is a path in the tree, `local` a local path, `local directory` and `mount` (a mount point) are local paths of that sort, `reference` a pasted text form or something `open` takes,
 * `number` a decimal with an optional sign, `line` the rest of the line as it stands.
 */
export type ArgumentKind =
  | 'stored'
  | 'local'
  | 'local directory'
  | 'mount'
  | 'reference'
  | 'store'
  | 'date'
  | 'text'
  | 'number'
  | 'command'
  | 'setting'
  | 'line';

export interface ArgumentSpec {
  readonly name: string;
  readonly kind: ArgumentKind;
  readonly summary: string;
  readonly optional?: boolean;
  /** Takes any number of words; at most one argument of a command. Arguments after it take the last words: `cp FROM… TO`. */
  readonly repeat?: boolean;
  /**
   * Unquoted `* ? [ ]` expand; true for `stored` and `local` arguments unless said otherwise. `pattern` hands the word over as a
   * pattern, in which a backslash stands before what was quoted.
   */
  readonly glob?: boolean | 'pattern';
}

export interface OptionSpec {
  /** Long name, without dashes: `recursive`. */
  readonly name: string;
  /** One letter: `r`. */
  readonly short?: string;
  /** More letters for the same: `R`. */
  readonly alsoShort?: string;
  readonly aliases?: readonly string[];
  /**
   * Takes a value of this kind, shown under this name: a placeholder in capitals, or in small letters the words that it
   * takes (`names|numeric|none`), which completion offers.
   */
  readonly value?: { readonly name: string; readonly kind: ArgumentKind };
  /** May be given again and again: each use counts, in its place among the others. Else the last one does. */
  readonly repeat?: boolean;
  readonly summary: string;
}

/** One use of an option. */
export interface OptionUse {
  /** Its long name. */
  readonly name: string;
  readonly value: true | Octets;
}

/** What the dispatcher hands to `run`: parsed, globbed and checked. */
export interface CommandInput {
  /** Words after globbing, in order, as octets. */
  readonly args: readonly Octets[];
  /** The same words by the name of their argument; absent is none. */
  readonly named: ReadonlyMap<string, readonly Octets[]>;
  /** Long option name to true, or to its value's octets. */
  readonly options: ReadonlyMap<string, true | Octets>;
  /** Each use of an option that repeats, in the order of the line. */
  readonly repeated: readonly OptionUse[];
  /** How the command was called: `mget`, `dir`. */
  readonly calledAs: string;
}

/** Where a command's results go. Everything on stdout goes through here; nothing is printed otherwise. */
export interface Output {
  /** `--json`: only `record` prints. */
  readonly json: boolean;
  /** Stdout is a terminal: names are escaped, columns fitted, colours used. */
  readonly terminal: boolean;
  readonly columns: number;
  /** A line of text for people; ignored in json mode. */
  line(text: string): void;
  /** One object a line in json mode; ignored otherwise. */
  record(value: Readonly<Record<string, unknown>>): void;
  /** Raw bytes of content (`cat`); in json mode `{ "data_b64": … }`. Resolves when the stream takes more. */
  bytes(data: Uint8Array): Promise<void>;
  /** A name, escaped for a terminal, raw octets (as UTF-8 where valid) for a pipe. */
  name(octets: Octets): string;
  style(kind: 'dir' | 'symlink' | 'exec' | 'special' | 'heading' | 'ref' | 'dim' | 'warn' | 'error', text: string): string;
}

/** What goes to stderr. */
export interface Diagnostics {
  warn(message: string): void;
  /**
   * An item that failed while the rest goes on: an error, or the message of one. The line that is shown begins with the
   * command, as every error does. The command then ends with EPARTIAL (exit 3).
   */
  failure(error: unknown): void;
  /** A short state line (bytes, rate, blocks new/existing), shown at most 10 times a second where stderr is a terminal. */
  progress(state: ProgressState): void;
}

export interface ProgressState {
  readonly label: string;
  readonly doneBytes: number;
  readonly totalBytes?: number;
  readonly doneItems?: number;
  readonly newBlocks?: number;
  readonly existingBlocks?: number;
  /** Where it is measured otherwise than by what is done since the start. */
  readonly bytesPerSecond?: number;
  /** What is there and not done yet, and for how long the oldest of it waits. */
  readonly lagBytes?: number;
  readonly lagMs?: number;
}

export interface CommandContext {
  readonly session: Session;
  readonly output: Output;
  readonly diagnostics: Diagnostics;
  /** Fires on Ctrl-C, SIGTERM or the end of the session. */
  readonly signal: AbortSignal;
  /** `-n`: print every effect with its block and byte counts, and do nothing. */
  readonly plan: boolean;
  readonly now: () => Date;
  readonly shell: ShellServices;
}

/** Runs lines for somebody else, in a session of their own on the same tree. */
export interface ClientShell {
  /**
   * Runs a line of commands that act on the tree; those that reach beyond it are refused.
   *
   * @param answer - is given each record; resolves when there is room for more
   * @returns the exit status that the line stands for; what went wrong is among the records
   */
  run(line: string, answer: (record: Readonly<Record<string, unknown>>) => Promise<void>, signal: AbortSignal): Promise<number>;
}

/** What the shell does for commands that are about the shell, or about the machine it runs on. */
export interface ShellServices {
  readonly version: string;
  /** Every command, in the order of the list. */
  readonly commands: readonly Command[];
  /** The words that start this program. */
  readonly program: readonly string[];
  /** The environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A person is at the terminal. */
  readonly interactive: boolean;
  /** Text of `help`, or of `help NAME` (a name, an alias or a unique prefix). Throws a UsageError with a suggestion for an unknown name. */
  helpText(name: string | undefined): string;
  /**
   * Runs a local command line in the local working directory, by `$SHELL -c` (default `/bin/sh`); an interactive shell
   * where the line is empty. Its output goes where results go; `input` is its stdin, else the terminal's.
   *
   * @returns its exit status; 128 + n where signal n ended it
   */
  runLocal(line: Octets, options?: { readonly input?: AsyncIterable<Uint8Array>; readonly signal?: AbortSignal }): Promise<number>;
  /**
   * What comes on standard input, to its end.
   *
   * @throws {UsageError} where the terminal or a script is there, or it was read before
   */
  standardInput(signal: AbortSignal): AsyncIterable<Uint8Array>;
  /**
   * Opens another Store by its specification, as it is there. The caller closes it.
   *
   * @param mayMake - one that is not there is made by the first write
   */
  openStore(specification: string, mayMake?: boolean): Promise<Store>;
  /** Gets a line for each packet that goes over a connection, where that was asked for. */
  readonly traceWire?: ((line: string) => void) | undefined;
  /** A shell for a client of the control channel. */
  newClient(): Promise<ClientShell>;
  /** Asks yes or no at the terminal; true without asking where nobody is there to answer. */
  confirm(question: string): Promise<boolean>;
  /** Quotes octets so that a line reads them back as one word. */
  quote(octets: Octets): string;
}

/** A command: one file, one value, one line in the list. Help, completion, man page and argument checks come from it. */
export interface Command {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly group: CommandGroup;
  /** One line, imperative, without a full stop. */
  readonly summary: string;
  /** Paragraphs, for `help NAME` and the man page. */
  readonly details?: readonly string[];
  readonly args?: readonly ArgumentSpec[];
  /** Arguments where it is called by one of its aliases, if they differ: `mget` takes only stored paths. */
  readonly aliasArgs?: Readonly<Record<string, readonly ArgumentSpec[]>>;
  readonly options?: readonly OptionSpec[];
  readonly examples?: readonly { readonly line: string; readonly says: string }[];
  /** Changes the tree: refused on a read-only one; under `-n` announced, and done to a copy in memory that is never synced. */
  readonly changes?: boolean;
  /** Changes something outside the tree: under `-n` only announced. */
  readonly changesLocal?: boolean;
  /** May begin with a Store that is not there yet, and make it. */
  readonly makesStore?: boolean;
  /** Does its own planning by `context.plan`: the shell announces nothing for it. */
  readonly plans?: boolean;
  /** Its lines only tell what it did: `-q` leaves them out. */
  readonly reports?: boolean;
  /** An interrupt is the way to end it, and no failure: having cleaned up, it returns. */
  readonly endsByInterrupt?: boolean;
  /** Called without any argument it does something of its own. */
  readonly standsAlone?: boolean;
  /** Options stand only before the first argument, as in `alias l ls -l`. */
  readonly optionsFirst?: boolean;
  /** Words that look like options are arguments: for commands that hand them on. */
  readonly passesOptions?: boolean;
  readonly run: (context: CommandContext, input: CommandInput) => Promise<void>;
}

/** The words that an option takes, where it takes some and no others. */
export function choicesOf({ name }: { readonly name: string }): readonly string[] {
  return name === name.toLowerCase() ? name.split('|') : [];
}

/** Whether an argument of a kind names something local. */
export function isLocalKind(kind: ArgumentKind): boolean {
  return kind === 'local' || kind === 'local directory' || kind === 'mount';
}

/** Declares a command; gives it its type. */
export function defineCommand(command: Command): Command {
  return command;
}
