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

/** What the dispatcher hands to `run`: parsed, globbed and checked. */
export interface CommandInput {
  /** Words after globbing, in order, as bytes. */
  readonly args: readonly Octets[];
  /** The same words by the name of their argument; absent is none. */
  readonly named: ReadonlyMap<string, readonly Octets[]>;
  /** Long option name to true, or to its value's bytes. */
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
  /**
   * Raw bytes of content (`cat`); in json mode `{ "data_b64": … }`. Resolves when the stream takes more.
   *
   * @param of - what else that object says, such as the path that they come from
   */
  bytes(data: Uint8Array, of?: Readonly<Record<string, unknown>>): Promise<void>;
  /** A name, escaped for a terminal, raw bytes (as UTF-8 where valid) for a pipe. */
  name(octets: Octets): string;
  style(kind: 'dir' | 'symlink' | 'exec' | 'special' | 'heading' | 'ref' | 'dim' | 'warn' | 'error', text: string): string;
}

/** What goes to stderr. */
export interface Diagnostics {
  warn(message: string): void;
  /**
   * An item that failed while the rest continues. The line that is shown begins with the command, as every error does. The command
   * then ends with EPARTIAL (exit 3).
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
  /** Where it is measured otherwise than by what is done since the start. */
  readonly bytesPerSecond?: number;
  /** What is there and not done yet, and for how long the oldest of it waits. */
  readonly lagBytes?: number;
  readonly lagMs?: number;
}

/** What a command that acts on the tree alone is given. */
export interface TreeContext {
  readonly session: Session;
  /** The same session where it is that of a shell on this machine; undefined for a client of a mount. */
  readonly local: LocalSession | undefined;
  readonly output: Output;
  readonly diagnostics: Diagnostics;
  /** Fires on Ctrl-C, SIGTERM or the end of the session. */
  readonly signal: AbortSignal;
  /** `-n`: print every effect with its block and byte counts, and do nothing. */
  readonly plan: boolean;
  readonly now: () => Date;
  readonly shell: ShellServices;
  /** Says under `-n` that the command would change the tree. */
  readonly wouldChange: () => void;
}

/** What any other command is given: it runs in a shell on this machine only. */
export interface CommandContext extends TreeContext {
  readonly session: LocalSession;
  readonly local: LocalSession;
}

/** Runs lines for somebody else, in a session of their own on the same tree. */
export interface ClientShell {
  /**
   * Runs commands that act on the tree; those that reach beyond it are refused.
   *
   * @param answer - is given each record; resolves when there is room for more
   * @returns the end of the answer: the exit status, and what went wrong
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

/** How a Store is made that is not there. */
export interface StoreMakingChoice {
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
}

/** What the shell does for commands that are about the shell, or about the machine it runs on. */
export interface ShellServices {
  readonly version: string;
  /** Every command, in the order of the list. */
  readonly commands: readonly Command[];
  /** The words that start this program. */
  readonly program: readonly string[];
  /** What the session goes by, and who said so. */
  origins(): readonly Origin[];
  /** The environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A person is at the terminal. */
  readonly interactive: boolean;
  /** Text of `help`, or of `help NAME` (a name, an alias or a unique prefix). Throws a UsageError with a suggestion for an unknown name. */
  helpText(name: string | undefined): string;
  /** The JSON Schema of what commands print under `--json`, or of what one does. Throws as `helpText`. */
  outputSchema(name: string | undefined): Promise<Readonly<Record<string, unknown>>>;
  /**
   * Runs a local command line in the local working directory, by `$SHELL -c` (default `/bin/sh`); an interactive shell
   * where the line is empty. `input` is its stdin, else the terminal's.
   *
   * @param options - `output`: where its output goes as objects; in text mode, and without, it has our standard output or error
   * @returns its exit status; 128 + n where signal n ended it
   */
  runLocal(
    line: Octets,
    options?: { readonly input?: AsyncIterable<Uint8Array>; readonly output?: Output; readonly signal?: AbortSignal },
  ): Promise<number>;
  /**
   * What comes on standard input, to its end.
   *
   * @throws {UsageError} where the terminal or a script is there, or it was read before
   */
  standardInput(signal: AbortSignal): AsyncIterable<Uint8Array>;
  /**
   * Opens another Store by its specification, as it is there. The caller closes it.
   *
   * @param how.signal - ends the opening
   * @param how.mayMake - one that is not there is made by the first write
   * @param how.making - how it is made then, where the specification does not say
   */
  openStore(
    specification: string,
    how: { readonly signal: AbortSignal; readonly mayMake?: boolean; readonly making?: StoreMakingChoice },
  ): Promise<Store>;
  /** Gets a line for each packet that goes over a connection, where that was asked for. */
  readonly traceWire?: ((line: string) => void) | undefined;
  /** A shell for a client of the control channel. */
  newClient(): Promise<ClientShell>;
  /** Asks yes or no at the terminal; true without asking where nobody is there to answer. */
  confirm(question: string): Promise<boolean>;
  /**
   * Lets a person choose at the terminal: by arrows, or by typing a part of a name.
   *
   * @returns the index of what was chosen; undefined where nothing was, or nobody is there to ask
   */
  choose(question: string, choices: readonly Choice[]): Promise<number | undefined>;
  /**
   * Lends the whole terminal to a view that answers to keys. What was on it comes back when the view ends.
   *
   * @param action - for messages
   * @throws {UsageError} where there is no terminal
   */
  view(action: string, signal: AbortSignal, show: (screen: Screen) => Promise<void>): Promise<void>;
  /** Quotes bytes so that a line reads them back as one word. */
  quote(octets: Octets): string;
}

/** What is said of a command: help, completion, man page and argument checks come from it. */
interface CommandFace {
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
  /** Objects that it prints under `--json`; none where it prints nothing. */
  readonly records?: readonly RecordSpec[];
  readonly examples?: readonly { readonly line: string; readonly says: string }[];
  /** Changes the tree: refused on a read-only one; under `-n` announced, and done to a copy in memory that is never synced. */
  readonly changes?: boolean;
  /** Changes something outside the tree: under `-n` only announced. */
  readonly changesLocal?: boolean;
  /** Changes which root is the newest, or makes one: `undo`, `sync`. */
  readonly recordsRoot?: boolean;
  /** Leaves the open tree for another, and needs nothing of it: `open`. */
  readonly leavesTree?: boolean;
  /** May begin with a Store that is not there yet, and make it. */
  readonly makesStore?: boolean;
  /** Does its own planning by `context.plan`: the shell announces nothing for it. */
  readonly plans?: boolean;
  /** Its lines only say what it did: `-q` leaves them out. */
  readonly reports?: boolean;
  /** An interrupt is the way to end it, and no failure: having cleaned up, it returns. */
  readonly endsByInterrupt?: boolean;
  /** Called without any argument it does something of its own. */
  readonly standsAlone?: boolean;
  /** Options are only before the first argument, as in `alias l ls -l`. */
  readonly optionsFirst?: boolean;
  /** Words that look like options are arguments: for commands that hand them on. */
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
