import type { Command, CommandInput, Output, ShellServices, TreeContext } from '../commands/command.ts';
import { expandHome } from '../commands/parts/local-path.ts';
import { localSession } from '../commands/parts/local-session.ts';
import { tellPlan } from '../commands/parts/tell-plan.ts';
import type { LocalSession, Session } from '../commands/session.ts';
import { type ArgumentSpec, isLocalKind } from '../commands/words/argument-spec.ts';
import { FILES_FROM0 } from '../commands/words/files-from.ts';
import { ReadOnlyError, VtError } from '../core/base/errors.ts';
import type { Octets } from '../core/base/octets.ts';
import { octetsFromText, octetsToText } from '../core/base/octets.ts';
import { capability, writeRemedy } from '../core/store/capability.ts';
import type { Tree } from '../core/tree/tree.ts';
import type { Commands } from '../fuse/control/request.ts';
import { findCommand, namesOf } from './command-names.ts';
import { assignWords, parseOptions } from './line/arguments.ts';
import { expandGlob, isGlobWord, patternOf } from './line/glob.ts';
import type { ParsedCommand } from './line/line.ts';
import { parseLine } from './line/line.ts';
import { lineOfWords } from './line/line-of-words.ts';
import { localGlobSide } from './line/local-glob.ts';
import { quoteWord } from './line/quote.ts';
import { treeGlobSide } from './line/tree-glob.ts';
import { columnOf, type SkipReference, type Word } from './line/word.ts';
import type { CommandNames } from './output/error-line.ts';
import { HeldOutput } from './output/held-output.ts';
import type { Messages } from './output/messages.ts';
import { CommandDiagnostics } from './output/messages.ts';
import type { SinkOutput } from './output/output.ts';
import { QuietOutput } from './output/quiet-output.ts';
import { type Tag, TaggedOutput } from './output/tagged-output.ts';
import { ReadOnlyTree } from './session/read-only-tree.ts';
import { TreeChangeNote } from './session/tree-change-note.ts';

/** What a dispatcher works with; all of it belongs to one session. */
export interface DispatchOptions {
  readonly session: Session;
  /** The same, in a shell on this machine; undefined for a client of a mount. */
  readonly local: LocalSession | undefined;
  /** Throws where the tree is that of a Store that was named and is not there, or that is sealed. */
  readonly requireStore: (action: string, mayMake: boolean) => void;
  readonly services: ShellServices;
  readonly skipReference: SkipReference;
  readonly messages: Messages;
  /** Results that are not redirected. */
  readonly output: SinkOutput;
  readonly plan: boolean;
  /** `-q`: commands do not tell what they did. */
  readonly quiet?: boolean;
  /** `-x`: each command is echoed on stderr. */
  readonly echo: boolean;
  readonly home: Octets;
  readonly now: () => Date;
  /** Throws where a command is not for whoever asks; default: all are. */
  readonly permit?: (command: Command, parsed: ParsedCommand) => void;
  /** Starts a job, `LIST &`; undefined where there are none. */
  readonly background: ((line: Octets) => { readonly number: number; readonly line: string }) | undefined;
  /** Output of one command to a file or a local command. */
  readonly withRedirect: (
    command: ParsedCommand,
    signal: AbortSignal,
    run: (output: SinkOutput, signal: AbortSignal) => Promise<void>,
  ) => Promise<void>;
}

/** How one line is to be run. */
export interface LineOptions {
  /** Typed at a terminal: unique prefixes are taken, and `a; b` runs b whatever became of a. */
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

/** Runs lines: looks commands up, sorts out their words, and runs them one after the other. */
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
   * @throws what the first command that failed threw, unless its failure was provided for
   */
  async runLine(source: Octets, signal: AbortSignal, options: LineOptions): Promise<void> {
    await this.#runSource(source, signal, options, new Set());
  }

  /**
   * Runs what a program asks for.
   *
   * @throws what the first command that failed threw
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

  /** Tells of an error that does not end the line. */
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
    try {
      const { command, calledAs } = findCommand(this.#options.services.commands, name, options.typed);
      names = [calledAs, ...namesOf(command)];
      await this.#runFound(source, command, calledAs, parsed, signal, options);
    } catch (error) {
      this.#options.messages.from(error, { names, column: columnOf(source, parsed.start) });
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
      await this.#run(command, calledAs, parsed, { output, tag }, runSignal);
      await output.flush();
    };
    if (parsed.pipe === undefined && parsed.redirect === undefined) await run(this.#options.output, signal);
    else if (this.#options.plan) await this.#planRedirected(command, parsed, tag, signal, run);
    else await this.#options.withRedirect(parsed, signal, run);
  }

  /** A planned command tells its effects as ever; what others would do with its results is told, and not done. */
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

  async #run(
    command: Command,
    calledAs: string,
    parsed: ParsedCommand,
    { output: sink, tag }: { readonly output: SinkOutput; readonly tag: Tag },
    signal: AbortSignal,
  ): Promise<void> {
    const { session, local, services, messages, plan, now } = this.#options;
    const output = sink.json ? new TaggedOutput(sink, tag) : sink;
    const { options, repeated, words, isHelp } = parseOptions(command, calledAs, parsed.words.slice(1));
    if (isHelp) {
      printHelp(output, services.helpText(command.name));
      return;
    }
    const list = options.get(FILES_FROM0.name);
    const listed = list === undefined || list === true ? undefined : await this.#listedNames(list, signal);
    const assigned = assignWords(command, calledAs, words, listed);
    // Nothing is to be done.
    if (listed?.length === 0) return;
    if (command.changes === true && !session.tree.can.write) throw readOnly(calledAs, session.tree);

    const reads = readsTree(command);
    if (command.changes === true || command.recordsRoot === true || reads) this.#options.requireStore(calledAs, !reads);

    const named = new Map<string, Octets[]>();
    const args: Octets[] = [];
    for (const { spec, word } of assigned) {
      const values = await this.#expand(word, spec, signal);
      if (values.length > 1 && spec.repeat !== true)
        throw new VtError('EUSAGE', `"${octetsToText(word.text)}": matches ${values.length} names, one is needed`);
      const sameName = named.get(spec.name) ?? [];
      named.set(spec.name, sameName);
      for (const value of values) {
        sameName.push(value);
        args.push(value);
      }
    }
    const isPlanned = plan && (command.changes === true || command.changesLocal === true) && command.plans !== true;
    const tellLine = (): void => tellPlan(output, lineOf(calledAs, parsed));
    // Only a stored tree has its changes in memory until they are synced: there the command is run, and may fail.
    if (isPlanned && (command.changesLocal === true || !session.tree.can.sync)) {
      tellLine();
      return;
    }
    const diagnostics = new CommandDiagnostics(messages, [calledAs, ...namesOf(command)], tag, parsed.quiet);
    // A change is no success before there is a Store that it can go to.
    const making = command.changes === true && !plan ? capability(session.store, 'making') : undefined;
    let isTrue = true;
    const held = making?.isMade === false ? new HeldOutput(output) : undefined;
    const shown = this.#options.quiet === true && command.reports === true && !plan ? new QuietOutput(held ?? output) : (held ?? output);
    const change = new TreeChangeNote(session);
    const context: TreeContext = {
      session,
      local,
      output: shown,
      diagnostics,
      signal,
      plan,
      now,
      shell: services,
      wouldChange: () => change.wouldBe(),
    };
    if ((command.changes === true || command.group === 'mount') && !plan) session.note(lineOf(calledAs, parsed));
    try {
      await runIn(context, command, { args, named, options, repeated, calledAs });
      if (held !== undefined) {
        isTrue = false;
        await making?.make();
        isTrue = true;
      }
      if (isPlanned) tellLine();
    } catch (error) {
      if (signal.aborted) throw cancelled(signal);
      throw error;
    } finally {
      messages.finishProgress();
      if (isTrue) await held?.release();
      if (output.json && isTrue && writes(command)) output.record(change.record(plan));
    }
    if (signal.aborted && command.endsByInterrupt !== true) throw cancelled(signal);
    if (diagnostics.failures > 0) {
      throw new VtError('EPARTIAL', `done in part, ${diagnostics.failures} ${diagnostics.failures === 1 ? 'item' : 'items'} failed`);
    }
  }

  async #listedNames(file: Octets, signal: AbortSignal): Promise<Octets[]> {
    const { local, home, services } = this.#options;
    const { listedNames } = await import('./listed-names.ts');
    return await listedNames(file, { local, home, standardInput: () => services.standardInput(signal) });
  }

  /** The values of a word: what its glob matches on the side it lives on, else itself. */
  async #expand(word: Word, { kind, glob = true }: ArgumentSpec, signal: AbortSignal): Promise<Octets[]> {
    const { session, local, home } = this.#options;
    const mayGlob = glob === true && session.settings.get('glob') !== 'off' && isGlobWord(word);
    if (kind === 'stored' && mayGlob) return await expandGlob(word, treeGlobSide(session.tree, session.cwd, signal), signal);
    // A reference may be a local path, too; it is taken as it is but for the home directory.
    if (kind === 'reference') return [word.quoted[0] === 0 ? expandHome(word.text, home) : word.text];
    if (!isLocalKind(kind)) return [word.text];
    if (mayGlob && local !== undefined) return await expandGlob(word, localGlobSide(local.localCwd), signal);
    const text = glob === 'pattern' ? patternOf(word.text, word.quoted) : word.text;
    return [word.quoted[0] === 0 ? expandHome(text, home) : text];
  }
}

/** Runs a command in a session that it may act on. */
async function runIn(context: TreeContext, command: Command, input: CommandInput): Promise<void> {
  if (command.reach === 'tree') await command.run(context, input);
  else {
    const local = localSession(context, command.name);
    await command.run({ ...context, session: local, local }, input);
  }
}

/** A command as one types it. */
function lineOf(calledAs: string, parsed: ParsedCommand): string {
  return [calledAs, ...parsed.words.slice(1).map((word) => quoteWord(word.text))].join(' ');
}

function readOnly(calledAs: string, tree: Tree): ReadOnlyError {
  return tree instanceof ReadOnlyTree ? tree.refusal(calledAs) : new ReadOnlyError(calledAs, tree.name, writeRemedy(tree.store));
}

/** Whether a command may change the tree, its Store or what is recorded. What `lmkdir` and `!` do is the local machine's affair. */
function writes({ changes, changesLocal, recordsRoot, group }: Command): boolean {
  return changes === true || recordsRoot === true || (changesLocal === true && group !== 'local');
}

/** Whether a command is about what is in the tree or its archive, and changes no tree. */
function readsTree({ changes, recordsRoot, makesStore, leavesTree, group, args = [] }: Command): boolean {
  if (changes === true || recordsRoot === true || makesStore === true || leavesTree === true) return false;
  return group === 'list' || group === 'read' || group === 'history' || args.some(({ kind }) => kind === 'stored');
}

/** Help goes out line by line; in JSON mode as one record. */
function printHelp(output: Output, text: string): void {
  for (const line of text.split('\n')) output.line(line);
  output.record({ help: text });
}

/** The error of a command whose signal has fired. */
export function cancelled(signal: AbortSignal): VtError {
  return signal.reason instanceof VtError ? signal.reason : new VtError('ECANCELLED', 'cancelled', { cause: signal.reason });
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw cancelled(signal);
}

/** Whether an error says that a signal has fired. */
export function isCancelled(error: unknown): boolean {
  return error instanceof VtError && error.code === 'ECANCELLED';
}
