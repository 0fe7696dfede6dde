import type { Command } from '../commands/command.ts';
import { tellPlan } from '../commands/parts/tell-plan.ts';
import { VtError } from '../core/base/errors.ts';
import type { Octets } from '../core/base/octets.ts';
import { octetsFromText, octetsToText } from '../core/base/octets.ts';
import type { Commands } from '../fuse/control/request.ts';
import { isCancelled, throwIfAborted } from './cancelled.ts';
import { findCommand, type NamedCommand, namesOf } from './command-names.ts';
import type { DispatchOptions } from './dispatch-options.ts';
import type { ParsedCommand } from './line/line.ts';
import { parseLine } from './line/line.ts';
import { lineOfWords } from './line/line-of-words.ts';
import { quoteWord } from './line/quote.ts';
import { columnOf } from './line/word.ts';
import type { CommandNames } from './output/error-line.ts';
import type { SinkOutput } from './output/output.ts';
import { type Tag, TaggedOutput } from './output/tagged-output.ts';
import { namedIfReplaced } from './replaced-program.ts';
import { runCommand } from './run-command.ts';
import { wordsRemedy } from './words-remedy.ts';

/** How one line is to be run. */
export interface LineOptions {
  /** Typed at a terminal: unique prefixes are accepted, and `a; b` runs b even if a fails. */
  readonly typed: boolean;
  /** `FILE:LINE`, for messages. */
  readonly where?: string | undefined;
  /** The request that the line belongs to. */
  readonly id?: string | number | undefined;
  /** The job that runs it. */
  readonly job?: number;
  /** Called for an error that does not end the line. */
  readonly onError?: (error: unknown) => void;
}

/** Runs lines: finds the commands, assigns their words, and runs them one after the other. */
export class Dispatcher {
  readonly #options: DispatchOptions;
  #isQuitting: () => boolean;

  constructor(options: DispatchOptions, isQuitting: () => boolean) {
    this.#options = options;
    this.#isQuitting = isQuitting;
  }

  /**
   * Runs one line, which may hold several commands.
   *
   * @throws the error of the first failed command, unless `-` or `||` handles it
   */
  async runLine(source: Octets, signal: AbortSignal, options: LineOptions): Promise<void> {
    await this.#runSource(source, signal, options, new Set());
  }

  /**
   * Runs the commands of a request.
   *
   * @throws the error of the first failed command
   */
  async run(commands: Commands, signal: AbortSignal, options: LineOptions): Promise<void> {
    await this.runLine('line' in commands ? commands.line : octetsFromText(lineOfWords(commands.argv)), signal, options);
  }

  async #runSource(source: Octets, signal: AbortSignal, options: LineOptions, aliases: ReadonlySet<string>): Promise<void> {
    let failed: { readonly error: unknown } | undefined;
    for (const command of parseLine(source, this.#options.skipReference)) {
      if (this.#isQuitting()) break;
      if (failed !== undefined) {
        const { error } = failed;
        if (command.joinedBy === '&&') continue;
        const goesOn = command.joinedBy === '||' || options.typed || this.#options.session.settings.get('onerror') === 'continue';
        if (!goesOn || isCancelled(error)) throw error;
        this.#tell(error, options);
        if (command.joinedBy !== '||') options.onError?.(error);
        failed = undefined;
      } else if (command.joinedBy === '||') continue;
      try {
        if (command.background === undefined) await this.#runCommand(source, command, signal, options, aliases);
        else this.#startJob(command.background, options);
      } catch (error) {
        if (command.ignoreError && !isCancelled(error)) this.#tell(error, options);
        else failed = { error };
      }
    }
    if (failed !== undefined) throw failed.error;
  }

  #startJob(line: Octets, { id }: LineOptions): void {
    const { background, output, messages, services } = this.#options;
    if (background === undefined) throw new VtError('EPERM', `run "${octetsToText(line)}" as a job: no jobs here`);
    const job = background(line);
    output.record({ ...(id === undefined ? {} : { id }), job: job.number, line: job.line });
    if (services.interactive && !output.json) messages.note(`[${job.number}] ${job.line}`);
  }

  /** Reports an error that does not end the line. */
  #tell(error: unknown, { where, id }: LineOptions): void {
    const { messages } = this.#options;
    if (id !== undefined) messages.from(error, { id });
    messages.error(error, where);
  }

  async #runCommand(
    source: Octets,
    parsed: ParsedCommand,
    signal: AbortSignal,
    options: LineOptions,
    aliases: ReadonlySet<string>,
  ): Promise<void> {
    throwIfAborted(signal);
    const [first] = parsed.words;
    if (first === undefined) return;
    const name = octetsToText(first.text);
    const alias = this.#options.session.aliases.get(name.toLowerCase());
    if (alias !== undefined && !aliases.has(name.toLowerCase())) {
      const expanded = `${octetsFromText(alias)}${source.slice(first.end, parsed.end)}` as Octets;
      await this.#runSource(expanded, signal, options, new Set([...aliases, name.toLowerCase()]));
      return;
    }
    let names: CommandNames = [name];
    let found: NamedCommand | undefined;
    try {
      found = findCommand(this.#options.services.commands, name, options.typed);
      names = [found.calledAs, ...namesOf(found.command)];
      await this.#runFound(source, found.command, found.calledAs, parsed, signal, options);
    } catch (failure) {
      const error = namedIfReplaced(failure);
      const words = parsed.words.slice(1);
      const remedy = found === undefined ? undefined : await wordsRemedy({ ...found, words }, source, error, this.#options);
      this.#options.messages.from(error, { names, column: columnOf(source, parsed.start), ...(remedy === undefined ? {} : { remedy }) });
      throw error;
    }
  }

  async #runFound(
    source: Octets,
    command: Command,
    calledAs: string,
    parsed: ParsedCommand,
    signal: AbortSignal,
    { id, job }: LineOptions,
  ): Promise<void> {
    this.#options.permit?.(command, parsed);
    if (this.#options.echo && !parsed.quiet)
      this.#options.messages.note(`+ ${octetsToText(source.slice(parsed.start, parsed.end) as Octets)}`);
    const tag: Tag = { ...(id === undefined ? {} : { id }), ...(job === undefined ? {} : { job }), command: command.name };
    const run = async (output: SinkOutput, runSignal: AbortSignal): Promise<void> => {
      await runCommand({ command, calledAs, parsed, tag }, output, this.#options, runSignal);
      await output.flush();
    };
    const startMs = this.#options.session.settings.get('timing') === 'on' ? performance.now() : undefined;
    try {
      if (parsed.pipe === undefined && parsed.redirect === undefined) await run(this.#options.output, signal);
      else if (this.#options.plan) await this.#planRedirected(command, parsed, tag, signal, run);
      else await this.#options.withRedirect(parsed, signal, run);
    } finally {
      if (startMs !== undefined) this.#options.messages.note(`${calledAs}: ${((performance.now() - startMs) / 1000).toFixed(3)} s`, tag);
    }
  }

  /** A planned command prints its effects as usual; its redirection is announced, and not done. */
  async #planRedirected(
    command: Command,
    { pipe, redirect }: ParsedCommand,
    tag: Tag,
    signal: AbortSignal,
    run: (output: SinkOutput, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const { output } = this.#options;
    if (command.changes === true || command.changesLocal === true) await run(output, signal);
    const plan =
      pipe === undefined
        ? `${redirect?.append === true ? 'append to' : 'write'} ${quoteWord(redirect?.target.text ?? ('' as Octets))}`
        : `run | ${octetsToText(pipe)}`;
    tellPlan(new TaggedOutput(output, tag), plan);
    await output.flush();
  }
}
