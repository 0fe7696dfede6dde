import type { Diagnostics, ProgressState } from '../commands/command.ts';
import { PathError, VtError } from '../core/base/errors.ts';
import { errorText } from '../core/base/system-error.ts';
import { exitStatusOf } from './exit-status.ts';
import type { Style } from './output.ts';
import { safeMessage } from './output.ts';
import type { ProgressView } from './progress.ts';

export interface MessageOptions {
  /** To stderr; one whole line, or a frame of progress. */
  readonly write: (text: string) => void;
  readonly json: boolean;
  /** No warnings and no progress; errors and failures stay. */
  readonly quiet: boolean;
  readonly style: Style;
  readonly progress: ProgressView;
}

/** Everything that goes to stderr: one line a message, as JSON objects where that is asked for. */
export class Messages {
  readonly #options: MessageOptions;
  readonly #told = new WeakSet<Error>();

  constructor(options: MessageOptions) {
    this.#options = options;
  }

  /** Whether this very error has been told already. */
  hasTold(error: unknown): boolean {
    return error instanceof Error && this.#told.has(error);
  }

  /** An error that ended a command. @param where - `FILE:LINE`, in scripts */
  error(error: unknown, where?: string): void {
    const { json, style } = this.#options;
    for (let told = error; told instanceof Error; told = told.cause) this.#told.add(told);
    const message = errorText(error);
    const remedy = error instanceof VtError ? error.remedy : undefined;
    const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
    if (json) {
      const errno = error instanceof PathError ? error.errno : undefined;
      this.#print(JSON.stringify({ error: message.toWellFormed(), code, errno, status: exitStatusOf(error), remedy, where }));
      return;
    }
    const text = `${where === undefined ? '' : `${where}: `}${message}${remedy === undefined ? '' : ` (${remedy})`}`;
    this.#print(`${style('error', 'vtftp:')} ${safeMessage(text)}`);
  }

  warn(message: string): void {
    if (!this.#options.quiet) this.#say('warning', 'warn', message);
  }

  failure(message: string): void {
    this.#say('failure', 'error', message);
  }

  /** Something to know that is neither result nor fault: a plain line. */
  note(message: string): void {
    if (this.#options.json) this.#print(JSON.stringify({ note: message.toWellFormed() }));
    else this.#print(safeMessage(message));
  }

  progress(state: ProgressState): void {
    if (!this.#options.quiet) this.#options.progress.update(state);
  }

  /** A command has ended: its progress goes. */
  finishProgress(): void {
    this.#options.progress.finish();
  }

  #say(field: 'warning' | 'failure', kind: 'warn' | 'error', message: string): void {
    if (this.#options.json) this.#print(JSON.stringify({ [field]: message.toWellFormed() }));
    else this.#print(`${this.#options.style(kind, field === 'warning' ? 'warning:' : 'vtftp:')} ${safeMessage(message)}`);
  }

  #print(line: string): void {
    this.#options.progress.clear();
    this.#options.write(`${line}\n`);
  }
}

/** The diagnostics of one command; counts what failed. */
export class CommandDiagnostics implements Diagnostics {
  readonly #messages: Messages;
  readonly #isQuiet: boolean;
  /** Items that failed while the rest went on. */
  failures = 0;

  constructor(messages: Messages, isQuiet: boolean) {
    this.#messages = messages;
    this.#isQuiet = isQuiet;
  }

  warn(message: string): void {
    if (!this.#isQuiet) this.#messages.warn(message);
  }

  failure(message: string): void {
    this.failures++;
    this.#messages.failure(message);
  }

  progress(state: ProgressState): void {
    if (!this.#isQuiet) this.#messages.progress(state);
  }
}
