import { COMMANDS } from '../../../commands/all-commands.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsFromText } from '../../../core/base/octets.ts';
import { skipReference } from '../../../core/dirent/reference-skip.ts';
import type { Store } from '../../../core/store/store.ts';
import { Dispatcher } from '../../../shell/dispatch.ts';
import { exitStatusOf } from '../../../shell/exit-status.ts';
import { Messages } from '../../../shell/output/messages.ts';
import { PLAIN_STYLE, SinkOutput } from '../../../shell/output/output.ts';
import { ProgressView } from '../../../shell/output/progress.ts';
import { placesOf } from '../../../shell/places.ts';
import { makeServices, TerminalHolder } from '../../../shell/services.ts';
import type { ShellSession } from '../../../shell/session/session.ts';
import { makeSession } from '../../../shell/session/session.ts';
import { openStoreLazily } from '../../../shell/session/stores.ts';
import { Signals } from '../../../shell/signals.ts';

/** A shell in this process, without signals. */
export interface ShellHere extends AsyncDisposable {
  readonly session: ShellSession;
  /** Runs a line, as `-c` does. What went wrong is told as on standard error. */
  run(line: string, signal?: AbortSignal): Promise<LineEnd>;
  /** Syncs at the end of the session, where the program does. @returns the Dirref recited, if one was */
  finish(signal?: AbortSignal): Promise<string | undefined>;
}

/** What came of a line. */
export interface LineEnd {
  /** Of the first command that failed; 0 where none did. */
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface ShellHereSetup {
  /** A folder of the session's own: for the default places, and the local working directory. */
  readonly home: string;
  /** As `-S`. */
  readonly store: string;
  readonly source?: string;
  readonly localCwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Puts a Store over the one that is opened. */
  readonly wrap?: (store: Store) => Store;
  readonly now?: () => Date;
  /** What results and messages go to; default: a pipe. */
  readonly into?: 'pipe' | 'terminal' | 'json';
  /** Told what the session says by itself. */
  readonly onMessage?: (message: string) => void;
  readonly signal?: AbortSignal;
}

/** Opens a session in this process. */
export async function openShellHere(setup: ShellHereSetup): Promise<ShellHere> {
  const {
    home,
    store,
    source,
    localCwd = home,
    env = {},
    wrap = (opened) => opened,
    now = () => new Date(),
    into = 'pipe',
    onMessage,
  } = setup;
  const json = into === 'json';
  let out: Uint8Array[] = [];
  let stderr = '';
  const write = (text: string): void => {
    stderr += text;
    onMessage?.(text);
  };
  const sink = {
    write: (data: Uint8Array) => void out.push(Uint8Array.from(data)),
    flush: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  const output = new SinkOutput(sink, { json, terminal: into === 'terminal', columns: () => 80, style: PLAIN_STYLE });
  const progress = new ProgressView({ write, mode: 'none', nowMs: () => 0, columns: () => 80 });
  const messages = new Messages({ write, json, quiet: false, style: PLAIN_STYLE, progress });
  const places = placesOf({ HOME: home });
  const unused = (): never => {
    throw new Error('no part of this test');
  };
  const onNotice = (notice: string): void => messages.warn(notice);
  const configuration = { file: 'vtftp.conf', names: [], clause: unused, defaultStore: undefined };
  const session = await makeSession(
    {
      source: source === undefined ? undefined : octetsFromText(source),
      storeSpecification: store,
      places,
      configuration,
      localCwd: octetsFromText(localCwd),
      settings: new Map([['onerror', 'stop']]),
      plan: false,
      now,
      onNotice,
      warn: onNotice,
      wrapStore: (opened) => Promise.resolve(wrap(opened)),
      runScript: unused,
      history: () => [],
    },
    setup.signal,
  );
  const signals = new Signals({ statusLine: () => '', say: () => undefined, hasPrompt: false });
  // They mean to this process what they always do: who sends it SIGTERM ends it.
  signals.dispose();
  const services = makeServices({
    commands: COMMANDS,
    env,
    interactive: false,
    output,
    session,
    terminal: new TerminalHolder(signals),
    origins: () => [],
    localStdin: 'ignore',
    json,
    now,
    openStore: async (specification, { signal, mayMake = false }) =>
      await openStoreLazily(specification, { places, configuration, onNotice, signal }, mayMake),
  });
  const dispatcher = new Dispatcher(
    {
      session,
      local: session,
      requireStore: (action, mayMake) => session.requireStore(action, mayMake),
      services,
      skipReference,
      messages,
      output,
      plan: false,
      echo: false,
      home: octetsFromText(home),
      now,
      background: undefined,
      withRedirect: unused,
    },
    () => session.isQuitting,
  );
  const never = new AbortController().signal;
  return {
    session,
    async run(line, signal = never) {
      out = [];
      stderr = '';
      let status = 0;
      const tell = (error: unknown): void => {
        status = status === 0 ? exitStatusOf(error) : status;
        if (!messages.hasTold(error)) messages.error(error);
      };
      try {
        await dispatcher.runLine(line as Octets, signal, { typed: false, where: undefined, onError: tell });
      } catch (error) {
        tell(error);
      }
      await output.flush();
      return { status, stdout: Buffer.concat(out), stderr };
    },
    async finish(signal) {
      await session.tails.endAll().catch((error: unknown) => messages.error(error));
      return session.mustRecite ? await session.sync(signal) : undefined;
    },
    async [Symbol.asyncDispose]() {
      await session[Symbol.asyncDispose]();
    },
  };
}
