import { isatty } from 'node:tty';
import { COMMANDS } from '../commands/all-commands.ts';
import type { LocalSession } from '../commands/session.ts';
import { VtError } from '../core/base/errors.ts';
import { octetsFromBytes, octetsFromText, octetsToBytes } from '../core/base/octets.ts';
import { useZone } from '../core/base/system/local-offset.ts';
import { requireTrusted } from '../core/base/system/trusted-file.ts';
import { useNativeKernel } from '../core/block/sha3/native-keccak.ts';
import { skipReference } from '../core/dirent/reference-skip.ts';
import type { ProgramArguments } from './argv.ts';
import { isCancelled } from './cancelled.ts';
import { asCommandLine } from './command-names.ts';
import { Dispatcher } from './dispatch.ts';
import type { DispatchOptions } from './dispatch-options.ts';
import { EXIT, exitStatusOf } from './exit-status.ts';
import { outliveTerminals } from './hang-up.ts';
import { endJobs, tellOfJobs } from './jobs/end-jobs.ts';
import { type JobParts, startJob } from './jobs/start-job.ts';
import { Messages } from './output/messages.ts';
import { encodeText, loadColours, type OutputOptions, PLAIN_STYLE, SinkOutput, wantsColour } from './output/output.ts';
import { ProgressView } from './output/progress.ts';
import { DEFAULT_COLUMNS, runRedirected } from './output/redirected-output.ts';
import { FdSink } from './output/sink.ts';
import type { StoreProgressLine } from './output/store-progress.ts';
import { homeOctets, placesOf } from './places.ts';
import { rcFile } from './rc.ts';
import type { ScriptLine } from './script.ts';
import { commandLines, openScript, openStdin, scriptLines } from './script.ts';
import { makeServices, TerminalHolder } from './services.ts';
import { readConfiguration } from './session/config.ts';
import { originsOf } from './session/origins.ts';
import { PlanStore } from './session/plan-store.ts';
import { makeSession } from './session/session.ts';
import { openStoreLazily } from './session/stores.ts';
import type { Shell } from './shell.ts';
import { Signals } from './signals.ts';
import { workingDirectory } from './working-directory.ts';

/** Runs the program. @returns its exit status */
export async function runShell(args: ProgramArguments): Promise<number> {
  const { env } = process;
  useZone(env['TZ']);
  useNativeKernel(env['VTFTP_NATIVE']);
  const places = placesOf(env);
  const isTerminal = { in: isatty(0), out: isatty(1), err: isatty(2) };
  outliveTerminals([0, 1, 2].filter(isatty));
  const style = wantsColour(args.color, isTerminal.out, env) ? await loadColours() : PLAIN_STYLE;
  const errorStyle = wantsColour(args.color, isTerminal.err, env) ? await loadColours() : PLAIN_STYLE;
  // A program that sends requests gets all messages about them among the answers.
  const isAnswering = args.json && readsStdin(args, wantsPrompt(args, isTerminal));
  const write = (text: string): void => (isAnswering ? sink.write(encodeText(text)) : errors.say(text));
  const progress = new ProgressView({
    write,
    mode: progressMode(args, isTerminal.err),
    nowMs: () => performance.now(),
    columns: () => columnsOf(isTerminal.err),
    mayDraw: (): boolean => !wantsPrompt(args, isTerminal) || signals.isBusy,
  });
  const messages = new Messages({ write, json: args.json, quiet: args.quiet, style: errorStyle, progress });
  const storeLine =
    args.progress === 'store' && !args.quiet ? await storeProgressLine((text) => errors.say(text), isTerminal.err) : undefined;
  const signals = new Signals({
    statusLine: (): string => `${progress.statusLine()}${storeLine === undefined ? '' : `; Store ${storeLine.text()}`}`,
    say: (message) => messages.note(message),
    hasPrompt: wantsPrompt(args, isTerminal),
  });
  const errors = new FdSink(2, { patience: signals });
  const sink = new FdSink(1, {
    name: 'standard output',
    patience: signals,
    onClosed: () => signals.end(EXIT.outputClosed, 'the reader has closed the output'),
    beforeWrite: () => {
      if (isTerminal.out) progress.clear();
    },
  });
  const outputOptions: OutputOptions = { json: args.json, terminal: isTerminal.out, columns: () => columnsOf(isTerminal.out), style };
  const output = new SinkOutput(sink, outputOptions);
  try {
    const shell = await openShell({
      args,
      places,
      signals,
      messages,
      output,
      errors,
      progress,
      sink,
      outputOptions,
      write,
      errorStyle,
      storeLine,
      isInteractive: wantsPrompt(args, isTerminal),
    });
    return await runSession(shell, isTerminal);
  } catch (error) {
    if (signals.exitStatus !== EXIT.outputClosed) messages.error(orCommand(error, args.source));
    return signals.exitStatus ?? exitStatusOf(error);
  } finally {
    storeLine?.end();
    await errors.flush().catch(() => undefined);
    signals.dispose();
  }
}

async function storeProgressLine(write: (text: string) => void, isTerminal: boolean): Promise<StoreProgressLine> {
  const { StoreProgressLine: Line } = await import('./output/store-progress.ts');
  return new Line({ write, isTerminal });
}

function progressMode({ progress, quiet }: ProgramArguments, isTerminal: boolean): 'line' | 'json' | 'none' {
  if (progress === 'json') return 'json';
  if (progress === 'never' || progress === 'store' || quiet) return 'none';
  return progress === 'always' || isTerminal ? 'line' : 'none';
}

function columnsOf(isTerminal: boolean): number {
  return (isTerminal ? process.stdout.columns : undefined) ?? DEFAULT_COLUMNS;
}

interface Terminals {
  readonly in: boolean;
  readonly out: boolean;
}

/** Whether to show a prompt. Prompt, completion and history require that stdin and stdout are terminals. */
function wantsPrompt(args: ProgramArguments, isTerminal: Terminals): boolean {
  const hasCommands = args.commands.length > 0 || args.batch !== undefined;
  return isTerminal.in && isTerminal.out && (args.interactive || !hasCommands);
}

/** Whether commands are read from standard input without a prompt. */
function readsStdin({ batch, commands }: ProgramArguments, isInteractive: boolean): boolean {
  return !isInteractive && (batch === '-' || (commands.length === 0 && batch === undefined));
}

async function openShell(
  parts: Pick<Shell, 'args' | 'places' | 'signals' | 'messages' | 'output' | 'errors'> &
    Pick<JobParts, 'progress' | 'sink' | 'outputOptions' | 'write' | 'errorStyle'> & {
      readonly isInteractive: boolean;
      readonly storeLine: StoreProgressLine | undefined;
    },
): Promise<Shell> {
  const { args, places, signals, messages, output, errors } = parts;
  const history: string[] = [];
  const terminal = new TerminalHolder(signals);
  const now = (): Date => new Date();
  const isScriptOnStdin = readsStdin(args, parts.isInteractive);
  const configuration = await readConfiguration(
    args.config ?? (places.config === undefined ? undefined : `${places.config}/vtftp.conf`),
    args.config !== undefined,
  );
  const traceWire = args.traceWire ? (line: string): void => errors.say(`${line}\n`) : undefined;
  const askSecret = process.stdin.isTTY
    ? async (question: string): Promise<string | undefined> => {
        const { askSecret: ask } = await import('./prompt.ts');
        return await terminal.lend(async () => await ask(question));
      }
    : undefined;
  const session = await signals.during(
    async (signal) =>
      await makeSession(
        {
          source: args.source === undefined ? undefined : octetsFromBytes(encodeText(args.source)),
          storeSpecification: args.store,
          places,
          configuration,
          localCwd: octetsFromText(workingDirectory(process.env['PWD'])),
          settings: new Map([['onerror', 'stop']]),
          plan: args.plan,
          directories: parts.isInteractive || args.write ? 'changed' : 'read',
          now,
          onNotice: (notice) => messages.warn(notice),
          // Otherwise the next command follows at once and reports it.
          onGone: parts.isInteractive || isScriptOnStdin ? (error) => terminal.beside(() => messages.error(error)) : undefined,
          traceWire,
          askSecret,
          warn: (message) => messages.warn(message),
          wrapStore: async (opened) => {
            const counted = parts.storeLine?.over(opened) ?? opened;
            return args.plan ? new PlanStore(counted) : counted;
          },
          runScript: async (path, name, runSignal) => {
            for await (const { text, where } of scriptLines(await openScript(octetsToBytes(path), name), name)) {
              try {
                await dispatcher.runLine(text, runSignal, { typed: false, where });
              } catch (error) {
                if (where !== undefined && !isCancelled(error)) messages.from(error, { where });
                throw error;
              }
            }
          },
          history: () => history,
        },
        signal,
      ),
  );
  const services = makeServices({
    commands: COMMANDS,
    env: process.env,
    interactive: parts.isInteractive,
    output,
    session,
    terminal,
    beforeQuestion: () => messages.clearProgress(),
    localStdin: isScriptOnStdin ? 'ignore' : 'inherit',
    json: args.json,
    now,
    traceWire,
    origins: () => originsOf(args, process.env, places, configuration),
    openStore: async (specification, { signal, mayMake = false, making }) =>
      await openStoreLazily(
        specification,
        { places, configuration, traceWire, making, askSecret, signal, onNotice: (notice) => messages.warn(notice) },
        mayMake,
      ),
  });
  const redirectIn =
    (local: LocalSession): DispatchOptions['withRedirect'] =>
    async (command, signal, run) => {
      const redirected = async (): Promise<void> =>
        await runRedirected(command, signal, run, { session: local, env: process.env, json: args.json, localStdout: args.json ? 2 : 1 });
      if (command.pipe === undefined) return await redirected();
      // Loaded before the terminal is lent: nothing would handle a Ctrl-C during the loading.
      await import('./local-process.ts');
      await terminal.lend(redirected);
    };
  const dispatchOptions: DispatchOptions = {
    session,
    local: session,
    requireStore: (action, mayMake) => session.requireStore(action, mayMake),
    services,
    skipReference,
    messages,
    output,
    plan: args.plan,
    quiet: args.quiet,
    echo: args.echo,
    home: homeOctets(places),
    now,
    background: (line) =>
      startJob({ ...parts, options: dispatchOptions, session, ended: signals.ended, terminal, redirect: redirectIn }, line),
    withRedirect: redirectIn(session),
  };
  const dispatcher: Dispatcher = new Dispatcher(dispatchOptions, () => session.isQuitting);
  const shell: Shell = { args, places, session, dispatcher, services, signals, messages, output, errors, terminal, history };
  tellOfJobs(shell);
  return shell;
}

async function runSession(shell: Shell, isTerminal: Terminals): Promise<number> {
  const { args, session, signals, messages } = shell;
  let status: number = EXIT.done;
  try {
    const asksPrompt = wantsPrompt(args, isTerminal);
    const rc = rcFile(args.rc, asksPrompt, shell.places);
    if (rc !== undefined) requireTrusted(rc, 'rc file');
    if (rc !== undefined) status = await runLines(shell, scriptLines(await openScript(rc), rc));
    for (const [i, commands] of args.commands.entries()) {
      // A user sees the typed command; only programs need its place.
      const where = args.json ? (args.typed ?? `-c:${i + 1}`) : undefined;
      if (mayGoOn(shell, status)) status = latest(status, await runLines(shell, commandLines(commands, where)));
    }
    if (args.batch !== undefined && mayGoOn(shell, status)) {
      status = latest(status, args.batch === '-' ? await runStdin(shell) : await runScript(shell, args.batch));
    }
    const hasCommands = args.commands.length > 0 || args.batch !== undefined;
    if (mayGoOn(shell, status) && (!hasCommands || args.interactive)) {
      if (asksPrompt) {
        const { runPrompt } = await import('./repl.ts');
        await runPrompt(shell);
        status = EXIT.done;
        session.quit(session.quitStatus);
      } else if (args.batch !== '-') status = latest(status, await runStdin(shell));
    }
  } catch (error) {
    messages.error(error);
    status = exitStatusOf(error);
  }
  const left = await endJobs(shell);
  if (status === EXIT.done) status = left;
  const ended = await endSession(shell);
  return signals.exitStatus ?? session.quitStatus ?? (status === EXIT.done ? ended : status);
}

async function runScript(shell: Shell, path: string): Promise<number> {
  return await runLines(shell, scriptLines(await openScript(path), path));
}

async function runStdin(shell: Shell): Promise<number> {
  if (!shell.args.json) return await runLines(shell, scriptLines(openStdin(shell.signals.ended), 'stdin'));
  const { answerRequests } = await import('./requests.ts');
  return await answerRequests(shell);
}

function mayGoOn({ session, signals }: Shell, status: number): boolean {
  if (session.isQuitting || signals.ended.aborted) return false;
  return status === EXIT.done || session.settings.get('onerror') === 'continue';
}

/** The status of the later of two parts of a session that failed; 0 if none did. */
function latest(before: number, now: number): number {
  return now === EXIT.done ? before : now;
}

/** Runs lines until one fails, or all where `set onerror continue` says so. */
async function runLines(shell: Shell, lines: Iterable<ScriptLine> | AsyncIterable<ScriptLine>): Promise<number> {
  const { dispatcher, session, signals, messages } = shell;
  let status: number = EXIT.done;
  for await (const { text, where } of lines) {
    let lineStatus: number = EXIT.done;
    const note = (error: unknown): void => {
      lineStatus = exitStatusOf(error);
    };
    try {
      await signals.during(async (signal) => await dispatcher.runLine(text, signal, { typed: false, where, onError: note }));
    } catch (error) {
      note(error);
      if (signals.exitStatus !== EXIT.outputClosed) messages.error(error, where);
    }
    status = latest(status, lineStatus);
    if (session.isQuitting || signals.ended.aborted || lineStatus === EXIT.interrupted) break;
    if (lineStatus !== EXIT.done && session.settings.get('onerror') !== 'continue') break;
  }
  return status;
}

/** Syncs all changes and prints the Dirref: as the last line on stdout, or on stderr if a signal ended the session. */
async function endSession({ args, session, signals, messages, output, errors }: Shell): Promise<number> {
  try {
    // A failed end of follow or watch must not keep the session's changes from being recorded.
    const unended = await session.tails.endAll().then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    if (session.mustRecite) {
      const text = await session.sync();
      const isBySignal = signals.exitStatus === EXIT.terminated;
      if (isBySignal && args.json) output.record({ ended: 'terminated', status: EXIT.terminated, dirref: text });
      else if (isBySignal) errors.say(`${text}\n`);
      else {
        // With -q it is printed only after an explicit `quit`.
        if (!args.quiet || session.isQuitting) output.line(text);
        output.record({ dirref: text });
      }
    }
    await output.flush();
    if (unended !== undefined) throw unended.error;
    return EXIT.done;
  } catch (error) {
    messages.from(error, { names: ['quit', 'sync'] });
    // If the Store could not be made, the command that needed it has reported that.
    if (!messages.hasTold(error)) messages.error(error);
    return exitStatusOf(error);
  } finally {
    await session[Symbol.asyncDispose]();
  }
}

/** The error of a source that cannot be opened, with a remedy if the words look like a command. */
function orCommand(error: unknown, source: string | undefined): unknown {
  const remedy = source === undefined ? undefined : asCommandLine(COMMANDS, [source]);
  if (remedy === undefined || !(error instanceof VtError) || error.code !== 'EOPEN') return error;
  return new VtError('EOPEN', error.message, { cause: error, remedy });
}
