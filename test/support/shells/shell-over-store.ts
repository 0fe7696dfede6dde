import type { Store } from '../../../core/store/store.ts';
import { exitStatusOf } from '../../../shell/exit-status.ts';
import { openShellHere } from './shell-here.ts';

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
export async function runOverStore(line: string, { signal, ...setup }: SessionSetup): Promise<SessionEnd> {
  let stderr = '';
  const onMessage = (message: string): void => {
    stderr += message;
  };
  let status = 0;
  let stdout: Buffer = Buffer.alloc(0);
  let recited: string | undefined;
  const tell = (error: unknown): void => {
    status = status === 0 ? exitStatusOf(error) : status;
    stderr += `${error instanceof Error ? error.message : String(error)}\n`;
  };
  try {
    await using shell = await openShellHere({ ...setup, onMessage, ...(signal === undefined ? {} : { signal }) });
    ({ status, stdout } = await shell.run(line, signal));
    recited = await shell.finish(signal).catch((error: unknown) => void tell(error));
  } catch (error) {
    tell(error);
  }
  return { status, stdout, stderr, recited };
}
