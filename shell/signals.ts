import { VtError } from '../core/base/errors.ts';
import { LinkedAbort } from '../core/base/linked-abort.ts';
import { EXIT } from './exit-status.ts';

export interface SignalHandlers {
  /** SIGUSR1: the state of what runs, on one line. */
  readonly statusLine: () => string;
  /** A message on stderr, at once. */
  readonly say: (message: string) => void;
  /** A session at a terminal continues after a command that was cancelled; a script ends with it. */
  readonly hasPrompt: boolean;
}

/**
 * What the signals of the process mean to the session: SIGINT cancels what runs, SIGTERM and SIGHUP end the session,
 * SIGUSR1 asks how far it is. @see vtftp(1), "SIGNALS"
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

  /** The status that the signal which ended the session means. */
  get exitStatus(): number | undefined {
    return this.#exitStatus;
  }

  /** Whether what runs was cancelled. */
  get isCancelled(): boolean {
    return this.isLeaving || this.#command?.signal.aborted === true;
  }

  /** Whether a signal ends the session. */
  get isLeaving(): boolean {
    return this.#session.signal.aborted || this.#interrupted === this.#session;
  }

  /** Whether a command is at work, which SIGINT would cancel. */
  get isBusy(): boolean {
    return this.#command !== undefined;
  }

  /** Runs something that SIGINT cancels. Nested, the outermost counts. */
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

  /** While a local command has the terminal, SIGINT is its own affair. */
  async whileSuspended<T>(action: () => Promise<T>): Promise<T> {
    this.#suspended++;
    try {
      return await action();
    } finally {
      this.#suspended--;
    }
  }

  /** Ctrl-C as a key, which the terminal has not made a signal of. */
  interruptByKey(): void {
    // Typed before the local command got the terminal, but meant for it: all in the foreground get it, as they would have.
    if (this.#suspended > 0) process.kill(0, 'SIGINT');
    else this.interrupt();
  }

  /** SIGINT, from wherever it came: it cancels a command, or ends the session where none runs. The second for the same leaves. */
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

  /** Ends the session: what runs is cancelled, what changed is synced. */
  end(status: number, why: string): void {
    this.#exitStatus ??= status;
    this.#session.abort(new VtError('ECANCELLED', why));
  }

  #terminate(): void {
    this.end(EXIT.terminated, 'terminated');
  }

  /** Signals do again what they do by themselves. */
  dispose(): void {
    for (const [name, listener] of this.#listeners) process.off(name, listener);
  }
}
