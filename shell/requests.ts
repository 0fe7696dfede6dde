import { UsageError } from '../core/base/errors.ts';
import { LinkedAbort } from '../core/base/linked-abort.ts';
import { octetsToText } from '../core/base/octets.ts';
import { type Commands, MAX_REQUEST_SIZE, type RequestId, readRequest } from '../fuse/control/request.ts';
import { RequestQueue } from '../fuse/control/request-queue.ts';
import { EXIT, exitStatusOf } from './exit-status.ts';
import { openStdin, type ScriptLine, scriptLines } from './script.ts';
import type { Shell } from './shell.ts';

// A program drives the session over standard input: `--json` without -c. @see vt(7), "REQUESTS"

/** A waiting request; a line of commands is a request without an id. */
interface Asked {
  readonly id: RequestId | undefined;
  /** The commands to run, or what is wrong with the request. */
  readonly commands: Commands | string;
  readonly where: string | undefined;
  readonly size: number;
}

/**
 * Answers lines of commands and requests in JSON until the input or the session ends. Each answer ends with an object that has `done`.
 * The next lines are read while one runs, so that a request can cancel it.
 *
 * @returns the exit status of the last that failed, else 0
 */
export async function answerRequests(shell: Shell): Promise<number> {
  const { signals, output, messages, session } = shell;
  let status: number = EXIT.done;
  using over = new LinkedAbort(signals.ended);
  let makeRoom = (): void => {};
  over.signal.addEventListener('abort', () => makeRoom());
  const end = async (fields: Readonly<Record<string, unknown>>): Promise<void> => {
    output.record(fields);
    await output.flush();
  };
  let problem: { readonly error: unknown } | undefined;
  const queue = new RequestQueue<Asked>({
    ended: over.signal,
    onFailure: (error) => {
      problem ??= { error };
      over.abort(undefined);
    },
    onRoom: () => makeRoom(),
    dropped: async ({ id }, error) => {
      status = exitStatusOf(error);
      await end({ id, done: true, ...messages.errorRecord(error) });
    },
    answer: async (asked, signal) => {
      const answer = await runAsked(shell, asked, signal);
      status = latest(status, answer.status);
      await end({ id: asked.id, done: true, ...answer });
      // A cancellation by a request ends only the cancelled request.
      const isInterrupted = answer.status === EXIT.interrupted && !signal.aborted;
      if (session.isQuitting || isInterrupted) over.abort(undefined);
    },
  });
  try {
    for await (const line of scriptLines(openStdin(over.signal), 'stdin', isRequest, MAX_REQUEST_SIZE)) {
      if (over.signal.aborted) break;
      status = latest(status, await take(line, queue, end));
      while (queue.isFull && !over.signal.aborted) {
        await new Promise<void>((resolve) => {
          makeRoom = resolve;
        });
      }
    }
  } catch (error) {
    // Earlier requests are still carried out.
    problem ??= { error };
  }
  await queue.idle();
  if (problem !== undefined) throw problem.error;
  return status;
}

/** Whether a line is a request in JSON: no line of commands begins so. */
function isRequest(line: string): boolean {
  return line.startsWith('{');
}

/** The later of two statuses that is a failure; 0 if none is. */
function latest(before: number, now: number): number {
  return now === EXIT.done ? before : now;
}

/** Queues a line, or cancels the request that it names. @returns the status of a request answered at once */
async function take(
  { text, where }: ScriptLine,
  queue: RequestQueue<Asked>,
  end: (fields: Readonly<Record<string, unknown>>) => Promise<void>,
): Promise<number> {
  const size = text.length;
  if (!isRequest(text)) {
    queue.add({ id: undefined, commands: { line: text }, where, size });
    return EXIT.done;
  }
  const { id, problem, cancel, commands } = readRequest(octetsToText(text));
  if (cancel === undefined) {
    queue.add({ id, commands: commands ?? problem ?? '"request" is for the control channel of a mount', where, size });
    return EXIT.done;
  }
  const answer = queue.answerCancel(id, cancel);
  await end(answer);
  return answer.status;
}

/** Runs the commands of a request. @returns the status, and its error */
async function runAsked(
  { dispatcher, signals, messages }: Shell,
  { id, commands, where }: Asked,
  signal: AbortSignal,
): Promise<{ readonly status: number }> {
  if (typeof commands === 'string') {
    const error = new UsageError(`read a request: ${commands}`);
    return { ...messages.errorRecord(error, where), status: EXIT.usage };
  }
  let answer: { readonly status: number } = { status: EXIT.done };
  const note = (error: unknown): void => {
    answer = { ...messages.errorRecord(error, where), status: exitStatusOf(error) };
  };
  try {
    await signals.during(async (interrupted) => {
      using either = new LinkedAbort(interrupted, signal);
      await dispatcher.run(commands, either.signal, { typed: false, where, id, onError: note });
    });
  } catch (error) {
    note(error);
  }
  return answer;
}
