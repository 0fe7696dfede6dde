import { COMMANDS } from '../../commands/list.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsFromText } from '../../core/base/octets.ts';
import { skipReference } from '../../core/dirent/reference-skip.ts';
import type { Store } from '../../core/store/store.ts';
import { Dispatcher } from '../../shell/dispatch.ts';
import { exitStatusOf } from '../../shell/exit-status.ts';
import { Messages } from '../../shell/messages.ts';
import { PLAIN_STYLE, SinkOutput } from '../../shell/output.ts';
import { placesOf } from '../../shell/places.ts';
import { ProgressView } from '../../shell/progress.ts';
import { makeServices, TerminalHolder } from '../../shell/services.ts';
import { makeSession } from '../../shell/session.ts';
import { Signals } from '../../shell/signals.ts';

/** How a session ended. */
export interface SessionEnd {
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** The Dirref that was recited, if one was. */
  readonly recited: string | undefined;
}

export interface SessionSetup {
  /** A folder of the session's own: for the default places. */
  readonly home: string;
  readonly store: string;
  /** Puts a Store over the one that is opened. */
  readonly wrap: (store: Store) => Store;
  readonly signal?: AbortSignal;
}

/** Runs a line of commands, as `-c` does, in this process, over a Store of the test's own; then ends the session as the program does. */
export async function runOverStore(
  line: string,
  { home, store, wrap, signal = new AbortController().signal }: SessionSetup,
): Promise<SessionEnd> {
  const out: Uint8Array[] = [];
  let stderr = '';
  const write = (text: string): void => {
    stderr += text;
  };
  const sink = {
    write: (data: Uint8Array) => void out.push(Uint8Array.from(data)),
    flush: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  const output = new SinkOutput(sink, { json: false, terminal: false, columns: () => 80, style: PLAIN_STYLE });
  const progress = new ProgressView({ write, mode: 'none', nowMs: () => 0, columns: () => 80 });
  const messages = new Messages({ write, json: false, quiet: false, style: PLAIN_STYLE, progress });
  const settings = new Map([['onerror', 'stop']]);
  const unused = (): never => {
    throw new Error('no part of this test');
  };
  let status = 0;
  let recited: string | undefined;
  const tell = (error: unknown): void => {
    status = status === 0 ? exitStatusOf(error) : status;
    if (!messages.hasTold(error)) messages.error(error);
  };
  const places = placesOf({ HOME: home });
  const configuration = { file: 'vtftp.conf', clause: unused, defaultStore: undefined };
  try {
    await using session = await makeSession(
      {
        source: undefined,
        storeSpecification: store,
        places,
        configuration,
        localCwd: octetsFromText(home),
        settings,
        plan: false,
        now: () => new Date(),
        onNotice: (notice) => messages.warn(notice),
        warn: (message) => messages.warn(message),
        wrapStore: (opened) => Promise.resolve(wrap(opened)),
        runScript: unused,
        history: () => [],
      },
      signal,
    );
    const signals = new Signals({ statusLine: () => '', say: () => undefined, nowMs: () => 0 });
    const terminal = new TerminalHolder(signals);
    const services = makeServices({
      commands: COMMANDS,
      env: {},
      interactive: false,
      output,
      session,
      terminal,
      localStdin: 'ignore',
      json: false,
      now: () => new Date(),
      openStore: unused,
    });
    const dispatcher = new Dispatcher(
      {
        session,
        requireStore: (action) => session.requireStore(action),
        services,
        skipReference,
        messages,
        output,
        plan: false,
        echo: false,
        home: octetsFromText(home),
        now: () => new Date(),
        withRedirect: unused,
      },
      () => session.isQuitting,
    );
    try {
      await dispatcher.runLine(line as Octets, signal, { typed: false, where: undefined, onError: tell });
    } catch (error) {
      tell(error);
    } finally {
      signals.dispose();
    }
    try {
      if (session.mustRecite) recited = await session.sync(signal);
    } catch (error) {
      tell(error);
    }
    await output.flush();
  } catch (error) {
    tell(error);
  }
  return { status, stdout: Buffer.concat(out), stderr, recited };
}
