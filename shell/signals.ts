import { VtError } from '../core/base/errors.ts';
import { LinkedAbort } from '../core/base/linked-abort.ts';
import { EXIT } from './exit-status.ts';

export interface SignalHandlers {
  /** SIGUSR1: the progress of running commands. */
  readonly statusLine: () => string;
  /** A message on stderr, at once. */
  readonly say: (message: string) => void;
  /** A session at a terminal continues after a cancelled command; a script ends with it. */
  readonly hasPrompt: boolean;
}

/**
 * Handles the signals of the process: SIGINT cancels the running command, SIGTERM and SIGHUP end the session,
 * SIGUSR1 prints the progress. @see vtftp(1), "SIGNALS"
 */
export class Signals {
  readonly #handlers: SignalHandlers;
  readonly #session = new AbortController();
  #command: LinkedAbort | undefined;
  /** What the last SIGINT cancelled: a command, or the session. */
  #interrupted: LinkedAbort | AbortController | undefined;
  #suspended = 0;
  #exitStatus: number | undefined;
  readonly #listeners: readonly (readonly [NodeJS.Signals, () => void])[];

  constructor(handlers: SignalHandlers) {
    this.#handlers = handlers;
    this.#listeners = [
      ['SIGINT', () => this.interrupt()],
      ['SIGTERM', () => this.#terminate()],
      ['SIGHUP', () => this.#terminate()],
      ['SIGUSR1', () => handlers.say(handlers.statusLine())],
    ];
    for (const [name, listener] of this.#listeners) process.on(name, listener);
  }

  /** Fires when the session is to end. */
  get ended(): AbortSignal {
    return this.#session.signal;
  }

  /** The exit status for the signal that ended the session. */
  get exitStatus(): number | undefined {
    return this.#exitStatus;
  }

  /** Whether the running command was cancelled. */
  get isCancelled(): boolean {
    return this.isLeaving || this.#command?.signal.aborted === true;
  }

  /** Whether a signal ends the session. */
  get isLeaving(): boolean {
    return this.#session.signal.aborted || this.#interrupted === this.#session;
  }

  /** Whether a command is running, which SIGINT would cancel. */
  get isBusy(): boolean {
    return this.#command !== undefined;
  }

  /** Runs an action that SIGINT cancels. For nested calls, the outermost counts. */
  async during<T>(action: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#command !== undefined) return await action(this.#command.signal);
    using command = new LinkedAbort(this.#session.signal);
    this.#command = command;
    try {
      return await action(command.signal);
    } catch (error) {
      if (this.#interrupted === command && !this.#handlers.hasPrompt) this.#interrupted = this.#session;
      throw error;
    } finally {
      this.#command = undefined;
    }
  }

  /** While a local command has the terminal, SIGINT is left to it. */
  async whileSuspended<T>(action: () => Promise<T>): Promise<T> {
    this.#suspended++;
    try {
      return await action();
    } finally {
      this.#suspended--;
    }
  }

  /** Handles Ctrl-C as a key, in raw mode, where the terminal sends no signal. */
  interruptByKey(): void {
    // Typed before the local command got the terminal, but meant for it: all in the foreground get it, as they would have.
    if (this.#suspended > 0) process.kill(0, 'SIGINT');
    else this.interrupt();
  }

  /** Handles SIGINT of any source: cancels the command, or ends the session if none runs. A second one for the same exits at once. */
  interrupt(): void {
    if (this.#suspended > 0) return;
    const hit = this.#command ?? this.#session;
    // What is on disk is whole at every moment: files are renamed when done, records and archive lines checked.
    if (hit === this.#interrupted) process.exit(EXIT.interrupted);
    this.#interrupted = hit;
    if (this.#command === undefined) this.end(EXIT.interrupted, 'interrupted');
    else {
      if (this.#handlers.hasPrompt) this.#handlers.say('cancelling; Ctrl-C again leaves at once');
      this.#command.abort(new VtError('ECANCELLED', 'cancelled'));
    }
  }

  /** Ends the session: cancels the running command and syncs all changes. */
  end(status: number, why: string): void {
    this.#exitStatus ??= status;
    this.#session.abort(new VtError('ECANCELLED', why));
  }

  #terminate(): void {
    this.end(EXIT.terminated, 'terminated');
  }

  /** Restores the default handling of signals. */
  dispose(): void {
    for (const [name, listener] of this.#listeners) process.off(name, listener);
  }
}
