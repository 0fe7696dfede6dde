import type { Command, ShellServices } from '../commands/command.ts';
import type { LocalSession } from '../commands/session.ts';
import { UsageError, VtError } from '../core/base/errors.ts';
import { findCommand } from './command-names.ts';
import { commandHelp, helpOverview } from './help-text.ts';
import { quoteWord } from './line/quote.ts';
import type { SinkOutput } from './output/output.ts';
import { openStdin } from './script.ts';
import type { Signals } from './signals.ts';
import { VERSION } from './version.ts';

/** Returns to the start of the line and clears it: ECMA-48. */
const CLEAR_LINE = '\r\x1b[K';

/** The holder of the terminal: the prompt releases it while a local command runs. */
export class TerminalHolder {
  readonly #signals: Signals;
  #release: (() => () => void) | undefined;
  #showAgain: (() => void) | undefined;
  #isLent = false;

  constructor(signals: Signals) {
    this.#signals = signals;
  }

  /**
   * @param release - called before a local command; returns the function that takes the terminal back
   * @param showAgain - shows the prompt again on a line of its own
   */
  setPrompt(release: () => () => void, showAgain: () => void): void {
    this.#release = release;
    this.#showAgain = showAgain;
  }

  /** Prints an unrequested message. If a prompt is shown, the message replaces it, and the prompt is redrawn below. */
  beside(say: () => void): void {
    const isShown = this.#showAgain !== undefined && !this.#signals.isBusy;
    if (isShown) process.stderr.write(CLEAR_LINE);
    say();
    if (isShown) this.#showAgain?.();
  }

  /** Gives the terminal to a local command or a question. A holder keeps it. */
  async lend<T>(action: () => Promise<T>): Promise<T> {
    if (this.#release === undefined || this.#isLent) return await action();
    const takeBack = this.#release();
    this.#isLent = true;
    try {
      return await this.#signals.whileSuspended(action);
    } finally {
      this.#isLent = false;
      takeBack();
    }
  }
}

export interface ServicesOptions {
  readonly commands: readonly Command[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly interactive: boolean;
  readonly output: SinkOutput;
  readonly session: LocalSession;
  readonly terminal: TerminalHolder;
  /** Called before a question is asked. */
  readonly beforeQuestion?: () => void;
  /** Local commands read our stdin, unless it carries a script. */
  readonly localStdin: 'inherit' | 'ignore';
  readonly json: boolean;
  readonly openStore: ShellServices['openStore'];
  readonly origins: ShellServices['origins'];
  readonly traceWire?: ShellServices['traceWire'];
  readonly now: () => Date;
}

/** What the shell does for its commands. */
export function makeServices(options: ServicesOptions): ShellServices {
  const { commands, env, interactive, output, session, terminal } = options;
  let isInputRead = false;
  const services: ShellServices = {
    standardInput(signal) {
      const taken = interactive
        ? 'the terminal'
        : options.localStdin === 'ignore'
          ? 'the script'
          : isInputRead
            ? 'read already'
            : undefined;
      if (taken !== undefined) throw new UsageError(`standard input is ${taken}: put cannot read it`);
      isInputRead = true;
      return openStdin(signal);
    },
    version: VERSION,
    commands,
    program: [process.execPath, ...process.execArgv, ...process.argv.slice(1, 2)],
    env,
    interactive,
    quote: quoteWord,
    openStore: options.openStore,
    origins: options.origins,
    traceWire: options.traceWire,
    helpText: (name) => (name === undefined ? helpOverview(commands) : commandHelp(findCommand(commands, name, true, `"${name}": `))),
    async outputSchema(name) {
      const { outputSchema } = await import('./output/schema.ts');
      return outputSchema(commands, name === undefined ? undefined : findCommand(commands, name, true, `"${name}": `).command);
    },
    async newClient() {
      const { makeClientShell } = await import('./client-shell.ts');
      return makeClientShell(session, services, options.now);
    },
    async confirm(question) {
      if (!interactive) return true;
      const { askYesNo } = await import('./prompt.ts');
      await output.flush();
      options.beforeQuestion?.();
      return await terminal.lend(async () => await askYesNo(question));
    },
    async choose(question, choices) {
      if (!interactive) return undefined;
      const { askChoice } = await import('./prompt.ts');
      await output.flush();
      options.beforeQuestion?.();
      return await terminal.lend(async () => await askChoice(question, choices));
    },
    async view(action, signal, show) {
      const { stdin, stdout } = process;
      if (!stdin.isTTY || !stdout.isTTY || options.json || options.localStdin === 'ignore')
        throw new UsageError(`${action} needs a terminal`, { remedy: 'leave it out in scripts' });
      const { KeyScreen } = await import('./key-screen.ts');
      await output.flush();
      options.beforeQuestion?.();
      await terminal.lend(async () => {
        using screen = new KeyScreen(stdin, stdout, (text) => output.shown(text), signal);
        await show(screen);
      });
    },
    async runLocal(line, { input, output: results, signal } = {}) {
      await output.flush();
      // Loaded before the terminal is lent: nothing would handle a Ctrl-C during the loading.
      const { startLocal } = await import('./local-process.ts');
      return await terminal.lend(async () => {
        const stdin = input === undefined ? options.localStdin : 'pipe';
        // Output to a file, to `| local command` or into JSON objects passes through this process.
        const isOurs = results !== undefined && (options.json || results !== output);
        const stdout = isOurs ? 'pipe' : options.json ? 2 : 'inherit';
        const { child, exit } = startLocal(line, { cwd: session.localCwd, env, stdio: [stdin, stdout, 'inherit'], signal });
        if (input !== undefined) await feed(child.stdin, input);
        for await (const chunk of child.stdout ?? []) await results?.bytes(chunk as Uint8Array);
        return (await exit).status;
      });
    },
  };
  return services;
}

/** Writes the stdin of a local command; a command that closes it early is not an error. */
async function feed(stdin: NodeJS.WritableStream | null, input: AsyncIterable<Uint8Array>): Promise<void> {
  if (stdin === null) throw new VtError('EFAILED', 'run a local command: it has no standard input');
  const { StreamSink } = await import('./output/sink.ts');
  let isGone = false;
  const sink = new StreamSink(stdin as ConstructorParameters<typeof StreamSink>[0], () => {
    isGone = true;
  });
  for await (const chunk of input) {
    if (isGone) break;
    sink.write(chunk);
    await sink.flush();
  }
  await sink.close();
}
