import type { Octets } from '../core/base/octets.ts';
import type { Session } from './session.ts';

/** Headings of help and of the man page, in their order. */
export const COMMAND_GROUPS = ['leave', 'where', 'list', 'read', 'move', 'change', 'history', 'local', 'shell'] as const;
export type CommandGroup = (typeof COMMAND_GROUPS)[number];

/**
 * What an argument names: decides globbing, completion and how it is handed over.
 * `stored` is a path in the tree, `local` a local path, `reference` a pasted text form or something `open` takes.
 */
export type ArgumentKind = 'stored' | 'local' | 'reference' | 'text' | 'number' | 'command' | 'line';

export interface ArgumentSpec {
  readonly name: string;
  readonly kind: ArgumentKind;
  readonly summary: string;
  readonly optional?: boolean;
  /** The last argument may take any number. */
  readonly repeat?: boolean;
  /** Unquoted `* ? [ ]` expand; true for `stored` and `local` arguments unless said otherwise. */
  readonly glob?: boolean;
}

export interface OptionSpec {
  /** Long name, without dashes: `recursive`. */
  readonly name: string;
  /** One letter: `r`. */
  readonly short?: string;
  readonly aliases?: readonly string[];
  /** Takes a value of this kind, shown under this name. */
  readonly value?: { readonly name: string; readonly kind: ArgumentKind };
  readonly summary: string;
}

/** What the dispatcher hands to `run`: parsed, globbed and checked. */
export interface CommandInput {
  /** Words after globbing, in order, as octets. */
  readonly args: readonly Octets[];
  /** Long option name to true, or to its value's octets. */
  readonly options: ReadonlyMap<string, true | Octets>;
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
  /** An item that failed while the rest goes on; the command then ends with EPARTIAL (exit 3). */
  failure(message: string): void;
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
  readonly options?: readonly OptionSpec[];
  readonly examples?: readonly { readonly line: string; readonly says: string }[];
  /** Makes a change: refused on a read-only tree, planned under `-n`. */
  readonly changes?: boolean;
  readonly run: (context: CommandContext, input: CommandInput) => Promise<void>;
}

/** Declares a command; gives it its type. */
export function defineCommand(command: Command): Command {
  return command;
}
