import type { Octets } from '../core/base/octets.ts';
import type { EdgeSettings } from '../core/block/edge-settings.ts';
import type { HashName } from '../core/block/hash.ts';
import type { Store } from '../core/store/store.ts';
import type { Commands } from '../fuse/control/request.ts';
import type { Choice, Screen } from './screen.ts';
import type { LocalSession, Session } from './session.ts';
import type { ArgumentSpec } from './words/argument-spec.ts';
import type { OptionSpec, OptionUse } from './words/option-spec.ts';
import type { RecordSpec } from './words/record-spec.ts';

/** Headings of help and of the man page, in their order. */
export const COMMAND_GROUPS = ['leave', 'where', 'list', 'read', 'move', 'change', 'history', 'mount', 'store', 'local', 'shell'] as const;
export type CommandGroup = (typeof COMMAND_GROUPS)[number];

/** The input of `run`: parsed, globbed and checked words. */
export interface CommandInput {
  /** Arguments after globbing, in order, as octets. */
  readonly args: readonly Octets[];
  /** The same words by the name of their argument; absent for no words. */
  readonly named: ReadonlyMap<string, readonly Octets[]>;
  /** The names of arguments with a word that was a pattern, however many names it matched. */
  readonly expanded: ReadonlySet<string>;
  /** Long option name to true, or to its value's bytes. */
  readonly options: ReadonlyMap<string, true | Octets>;
  /** Each use of an option that repeats, in the order of the line. */
  readonly repeated: readonly OptionUse[];
  /** The name by which the command was called: `mget`, `dir`. */
  readonly calledAs: string;
}

/** The output of a command's results. Everything on stdout goes through here. */
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
  /**
   * Raw bytes of content (`cat`); in json mode `{ "data_b64": … }`. Resolves when the stream takes more.
   *
   * @param of - further fields of that object, such as the path of the content
   */
  bytes(data: Uint8Array, of?: Readonly<Record<string, unknown>>): Promise<void>;
  /** A name, escaped for a terminal, raw bytes (as UTF-8 where valid) for a pipe. */
  name(octets: Octets): string;
  style(kind: 'dir' | 'symlink' | 'exec' | 'special' | 'heading' | 'ref' | 'dim' | 'warn' | 'error', text: string): string;
}

/** The output to stderr. */
export interface Diagnostics {
  warn(message: string): void;
  /**
   * Reports an item that failed while the rest continues. Its line begins with the command, like every error. The command
   * then ends with EPARTIAL (exit status 3).
   */
  failure(error: Error): void;
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
  /** Bytes a second, if not computed from `doneBytes` since the start. */
  readonly bytesPerSecond?: number;
  /** Bytes that exist and are not processed yet, and how long the oldest of them has waited. */
  readonly lagBytes?: number;
  readonly lagMs?: number;
}

/** The context of a command that acts only on the tree. */
export interface TreeContext {
  readonly session: Session;
  /** The same session in a shell on this machine; undefined for a client of a mount. */
  readonly local: LocalSession | undefined;
  readonly output: Output;
  readonly diagnostics: Diagnostics;
  /** Fires on Ctrl-C, SIGTERM or the end of the session. */
  readonly signal: AbortSignal;
  /** `-n`: prints every effect with its block and byte counts, and does nothing. */
  readonly plan: boolean;
  readonly now: () => Date;
  readonly shell: ShellServices;
  /** Reports, under `-n`, that the command would change the tree. */
  readonly wouldChange: () => void;
}

/** The context of any other command, which runs only in a shell on this machine. */
export interface CommandContext extends TreeContext {
  readonly session: LocalSession;
  readonly local: LocalSession;
}

/** Runs lines for a client, in its own session on the same tree. */
export interface ClientShell {
  /**
   * Runs commands that act on the tree; refuses those that reach beyond it.
   *
   * @param answer - called with each record; resolves when there is room for more
   * @returns the end of the answer: the exit status, and the error if there was one
   */
  run(
    commands: Commands,
    answer: (record: Readonly<Record<string, unknown>>) => Promise<void>,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, unknown>>>;
}

/** A thing that the session goes by: a path, a Store, a clause of the configuration. */
export interface Origin {
  readonly name: string;
  /** Undefined where there is none: no home directory. */
  readonly value: string | undefined;
  /** An option, a variable of the environment, or a file. */
  readonly from: string;
  /** The file that it names is not there. */
  readonly isAbsent?: boolean;
}

/** How a missing Store is created. */
export interface StoreMakingChoice {
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
}

/** Services of the shell for commands about the shell itself or its machine. */
export interface ShellServices {
  readonly version: string;
  /** Every command, in the order of the list. */
  readonly commands: readonly Command[];
  /** The words that start this program. */
  readonly program: readonly string[];
  /** The files, Stores and clauses in use, and where each was set. */
  origins(): readonly Origin[];
  /** The environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A user is at the terminal. */
  readonly interactive: boolean;
  /** Text of `help`, or of `help NAME` (a name, an alias or a unique prefix). @throws {UsageError} with a suggestion for an unknown name */
  helpText(name: string | undefined): string;
  /** The JSON Schema of the output under `--json`, of all commands or of one. Throws as `helpText`. */
  outputSchema(name: string | undefined): Promise<Readonly<Record<string, unknown>>>;
  /**
   * Runs a local command line in the local working directory, by `$SHELL -c` (default `/bin/sh`); an interactive shell
   * where the line is empty. `input` is its stdin, else the terminal's.
   *
   * @param options - `output`: where its output goes as objects; in text mode, and without, it has our standard output or error
   * @returns its exit status; 128 + n if signal n ended it
   */
  runLocal(
    line: Octets,
    options?: { readonly input?: AsyncIterable<Uint8Array>; readonly output?: Output; readonly signal?: AbortSignal },
  ): Promise<number>;
  /**
   * The content of standard input, to its end.
   *
   * @throws {UsageError} if standard input is the terminal or a script, or was read before
   */
  standardInput(signal: AbortSignal): AsyncIterable<Uint8Array>;
  /**
   * Opens another Store by its specification. The caller closes it.
   *
   * @param how.signal - cancels the opening
   * @param how.mayMake - the first write creates the Store if it does not exist
   * @param how.making - how it is created, unless the specification says so
   */
  openStore(
    specification: string,
    how: { readonly signal: AbortSignal; readonly mayMake?: boolean; readonly making?: StoreMakingChoice },
  ): Promise<Store>;
  /** Called with a line for each packet of a connection, if requested. */
  readonly traceWire?: ((line: string) => void) | undefined;
  /** A shell for a client of the control channel. */
  newClient(): Promise<ClientShell>;
  /** Asks yes or no at the terminal; without a user at the terminal, true without asking. */
  confirm(question: string): Promise<boolean>;
  /**
   * Lets the user choose at the terminal: by arrows, or by typing a part of a name.
   *
   * @returns the index of the choice; undefined if none was made, or no user is at the terminal
   */
  choose(question: string, choices: readonly Choice[]): Promise<number | undefined>;
  /**
   * Lends the whole terminal to a view that handles keys. Its previous content is restored when the view ends.
   *
   * @param action - for messages
   * @throws {UsageError} without a terminal
   */
  view(action: string, signal: AbortSignal, show: (screen: Screen) => Promise<void>): Promise<void>;
  /** Quotes bytes so that a line reads them back as one word. */
  quote(octets: Octets): string;
}

/** The description of a command, used by help, completion, the man page and argument checks. */
interface CommandFace {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly group: CommandGroup;
  /** One line, imperative, without a full stop. */
  readonly summary: string;
  /** Paragraphs, for `help NAME` and the man page. */
  readonly details?: readonly string[];
  readonly args?: readonly ArgumentSpec[];
  /** Arguments under an alias, if they differ: `mget` takes only stored paths. */
  readonly aliasArgs?: Readonly<Record<string, readonly ArgumentSpec[]>>;
  readonly options?: readonly OptionSpec[];
  /** Objects that it prints under `--json`; absent if it prints none. */
  readonly records?: readonly RecordSpec[];
  readonly examples?: readonly { readonly line: string; readonly says: string }[];
  /** Changes the tree: refused on a read-only one; under `-n` announced, and done to a copy in memory that is never synced. */
  readonly changes?: boolean;
  /** Changes something outside the tree: under `-n` only announced. */
  readonly changesLocal?: boolean;
  /** Records a root, or makes another root the newest: `undo`, `sync`. */
  readonly recordsRoot?: boolean;
  /** Replaces the open tree by another, and needs nothing of it: `open`. */
  readonly leavesTree?: boolean;
  /** May run without an existing Store, and create it. */
  readonly makesStore?: boolean;
  /** Does its own planning by `context.plan`: the shell announces nothing for it. */
  readonly plans?: boolean;
  /** Its lines only report what it did: `-q` omits them. */
  readonly reports?: boolean;
  /** An interrupt is its normal end, not a failure: it cleans up and returns. */
  readonly endsByInterrupt?: boolean;
  /** Words that the log leaves out of its line. */
  readonly unnoted?: readonly string[];
  /** Without any argument it has a meaning of its own. */
  readonly standsAlone?: boolean;
  /** Options are only before the first argument, as in `alias l ls -l`. */
  readonly optionsFirst?: boolean;
  /** Words that look like options are arguments: for commands that pass them on. */
  readonly passesOptions?: boolean;
}

/** A command that acts on the tree alone: clients of a mount may run it too. */
export interface TreeCommand extends CommandFace {
  readonly reach: 'tree';
  readonly run: (context: TreeContext, input: CommandInput) => Promise<void>;
}

/** A command that reaches local files, other Stores or the shell: only a shell on this machine runs it. */
export interface LocalCommand extends CommandFace {
  readonly reach: 'local';
  readonly run: (context: CommandContext, input: CommandInput) => Promise<void>;
}

/** A command: one file, one value, one line in the list. */
export type Command = TreeCommand | LocalCommand;

/** Declares a command. */
export function defineCommand(command: Omit<LocalCommand, 'reach'>): LocalCommand {
  return { ...command, reach: 'local' };
}

/** Declares a command that acts on the tree alone, so that clients of a mount may run it. */
export function defineTreeCommand(command: Omit<TreeCommand, 'reach'>): TreeCommand {
  return { ...command, reach: 'tree' };
}
