import type { Diagnostics, ProgressState } from '../../commands/command.ts';
import { octetsFields } from '../../commands/parts/format.ts';
import { PathError, VtError, type VtErrorCode } from '../../core/base/errors.ts';
import { ItemError } from '../../core/base/item-error.ts';
import { errorCode, isSystemError } from '../../core/base/system/system-error.ts';
import { safeJson } from '../../core/base/unsafe-text.ts';
import { exitStatusOf } from '../exit-status.ts';
import type { CommandNames, ErrorLine } from './error-line.ts';
import { errorLine } from './error-line.ts';
import { safeMessage } from './output.ts';
import type { ProgressSink } from './progress.ts';
import type { Style } from './style.ts';
import type { Tag } from './tagged-output.ts';

export interface MessageOptions {
  /** One whole line, or a frame of progress: to stderr, or to a program among its answers. */
  readonly write: (text: string) => void;
  readonly json: boolean;
  /** No warnings and no progress; errors and failures stay. */
  readonly quiet: boolean;
  readonly style: Style;
  readonly progress: ProgressSink;
  /** The session's messages, which note the origins of errors. */
  readonly over?: Messages;
}

/** Where an error came from. */
export interface Origin extends Tag {
  /** The names of the failed command. */
  readonly names?: CommandNames;
  /** `FILE:LINE` of the script that ran it, `-c:N` for the N-th `-c`, or the command that argv ends in. */
  readonly where?: string;
  /** Column of its command in that line; 1 is the first character. */
  readonly column?: number;
  /** What would put it right, as the command's words show; it counts before the error's own. */
  readonly remedy?: string;
}

/** All output that is not a result: one line for each message, or JSON objects if requested. */
export class Messages {
  readonly #options: MessageOptions;
  readonly #told: WeakSet<Error>;
  readonly #origins: WeakMap<Error, Origin>;

  constructor(options: MessageOptions) {
    this.#options = options;
    this.#told = options.over === undefined ? new WeakSet() : options.over.#told;
    this.#origins = options.over === undefined ? new WeakMap() : options.over.#origins;
  }

  /** Whether this error object has been reported already. */
  hasTold(error: unknown): boolean {
    return error instanceof Error && this.#told.has(error);
  }

  /** Notes the origin of an error. The innermost command counts; the places of nested scripts are all reported. */
  from(error: unknown, origin: Origin): void {
    if (!(error instanceof Error)) return;
    const inner = this.#origins.get(error);
    const where = [origin.where, inner?.where].filter((each) => each !== undefined).join(': ');
    this.#origins.set(error, { ...origin, ...inner, ...(where === '' ? {} : { where }) });
  }

  /** The line of an error. */
  errorText(error: unknown): string {
    const { command, text } = this.#line(error);
    return `${command}: ${text}`.toWellFormed();
  }

  /** The JSON object of an error, which then counts as reported. @param place - `FILE:LINE`, in scripts */
  errorRecord(error: unknown, place?: string): Readonly<Record<string, unknown>> {
    this.#noteTold(error, place);
    const { command } = this.#line(error);
    const { where, column, remedy } = this.#originOf(error) ?? {};
    return { command, error: this.errorText(error), ...errorDetails(error, remedy), status: exitStatusOf(error), where, column };
  }

  /** An error that ended a command. @param place - `FILE:LINE`, in scripts */
  error(error: unknown, place?: string): void {
    if (this.#options.json) {
      const record = this.errorRecord(error, place);
      this.#print(safeJson({ id: this.#originOf(error)?.id, ...record }));
      return;
    }
    this.#noteTold(error, place);
    const { where, remedy = remedyOf(error) } = this.#originOf(error) ?? {};
    const { command, text } = this.#line(error);
    const start = this.#options.style('error', `${where === undefined ? '' : `${safeMessage(where)}: `}${command}:`);
    this.#print(`${start} ${safeMessage(`${text}${remedy === undefined ? '' : ` (${remedy})`}`)}`);
  }

  #noteTold(error: unknown, place: string | undefined): void {
    for (let told = error; told instanceof Error; told = told.cause) this.#told.add(told);
    if (place !== undefined) this.from(error, { where: place });
  }

  warn(message: string, tag: Tag = {}): void {
    if (this.#options.quiet) return;
    if (this.#options.json) this.#print(safeJson({ ...tag, warning: message.toWellFormed() }));
    else this.#print(`${this.#options.style('warn', 'warning:')} ${safeMessage(message)}`);
  }

  /** An item that failed while its command continues. */
  failure(error: unknown, names: CommandNames, tag: Tag = {}): void {
    const { command, text } = errorLine(error, names);
    const remedy = remedyOf(error);
    if (this.#options.json)
      this.#print(safeJson({ ...tag, failure: `${command}: ${text}`.toWellFormed(), ...errorDetails(error), status: exitStatusOf(error) }));
    else
      this.#print(`${this.#options.style('error', `${command}:`)} ${safeMessage(`${text}${remedy === undefined ? '' : ` (${remedy})`}`)}`);
  }

  /** Prints information that is neither a result nor an error, as a plain line. */
  note(message: string, tag: Tag = {}): void {
    if (this.#options.json) this.#print(safeJson({ ...tag, note: message.toWellFormed() }));
    else this.#print(safeMessage(message));
  }

  progress(state: ProgressState, tag: Tag = {}): void {
    if (!this.#options.quiet) this.#options.progress.update(state, tag);
  }

  /** Erases the progress line from the terminal, before other output. */
  clearProgress(): void {
    this.#options.progress.clear();
  }

  /** Removes the progress of an ended command. */
  finishProgress(): void {
    this.#options.progress.finish();
  }

  #line(error: unknown): ErrorLine {
    return errorLine(error, this.#originOf(error)?.names);
  }

  #originOf(error: unknown): Origin | undefined {
    return error instanceof Error ? this.#origins.get(error) : undefined;
  }

  #print(line: string): void {
    this.#options.progress.clear();
    this.#options.write(`${line}\n`);
  }
}

/** Error fields for programs: the code, the errno and path of a failed call, and the remedy. */
function errorDetails(error: unknown, remedy = remedyOf(error)): Readonly<Record<string, unknown>> {
  const code = error instanceof VtError ? error.code : error instanceof Error && isSystemError(error) ? 'EFAILED' : undefined;
  return { code, ...errnoAndPath(error), remedy };
}

function remedyOf(error: unknown): string | undefined {
  return error instanceof VtError ? error.remedy : undefined;
}

/** The errno that caused an error, and the path concerned; the outermost error that has one counts. */
function errnoAndPath(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) return {};
  if (error instanceof PathError) return { errno: error.errno, ...octetsFields('path', error.octets) };
  if (error instanceof ItemError) return { errno: errnoAndPath(error.cause)['errno'], ...octetsFields('path', error.octets) };
  const errno = error instanceof VtError ? undefined : errorCode(error);
  if (errno === undefined) return errnoAndPath(error.cause);
  const { path } = error as { readonly path?: unknown };
  return { errno, path: typeof path === 'string' ? path.toWellFormed() : undefined };
}

/** Codes with which the work of a cancelled command ends: cancelled, or its Store or tree was closed. */
const ENDS_OF_CANCELLED: readonly VtErrorCode[] = ['ECANCELLED', 'ECLOSED'];

/** The diagnostics of one command; counts what failed. */
export class CommandDiagnostics implements Diagnostics {
  readonly #messages: Messages;
  readonly #names: CommandNames;
  readonly #tag: Tag;
  readonly #isQuiet: boolean;
  readonly #signal: AbortSignal;
  /** Items that failed while the rest continued. */
  failures = 0;

  constructor(messages: Messages, names: CommandNames, tag: Tag, how: { readonly isQuiet: boolean; readonly signal: AbortSignal }) {
    this.#messages = messages;
    this.#names = names;
    this.#tag = tag;
    this.#isQuiet = how.isQuiet;
    this.#signal = how.signal;
  }

  warn(message: string): void {
    if (!this.#isQuiet) this.#messages.warn(message, this.#tag);
  }

  failure(error: Error): void {
    // Part of the cancelled work: the command itself reports the cancellation once.
    if (this.#signal.aborted && error instanceof VtError && ENDS_OF_CANCELLED.includes(error.code)) return;
    this.failures++;
    this.#messages.failure(error, this.#names, this.#tag);
  }

  progress(state: ProgressState): void {
    if (!this.#isQuiet) this.#messages.progress(state, this.#tag);
  }
}
